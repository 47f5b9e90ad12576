import Basics

/// Measures of a detector on labelled images: how well its scores and maps tell good from defective.
package enum Evaluation {
  /// Largest number of scores a measure takes: with 2^30 all counts and their products fit 64 bits.
  package static let maximumCount = 1 << 30
}

/// Scores in ascending order, each with its class. Equal scores have no order among themselves: measures treat them as one.
struct RankedScores {
  private(set) var ranked: [(score: Float, isPositive: Bool)] = []
  private(set) var positives = 0
  var negatives: Int { ranked.count - positives }

  init(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>) throws(Failure) {
    guard scores.count == labels.count else {
      throw Failure(.invalidArgument, "\(scores.count) scores do not fit \(labels.count) labels")
    }
    guard scores.count <= Evaluation.maximumCount else {
      throw Failure(.unsupported, "\(scores.count) scores are more than \(Evaluation.maximumCount)")
    }
    ranked.reserveCapacity(scores.count)
    for (index, (score, label)) in zip(scores, labels).enumerated() {
      guard score.isFinite else { throw Failure(.invalidArgument, "score \(index) is not finite") }
      ranked.append((score, label != 0))
      if label != 0 { positives += 1 }
    }
    guard positives > 0, negatives > 0 else {
      throw Failure(.invalidArgument, "both classes are needed, and all labels are of the same")
    }
    ranked.sort { $0.score < $1.score }
  }

  /// Calls the body for every distinct score, ascending, with how many scores of each class equal it.
  func forEachScore(_ body: (_ score: Float, _ positives: Int, _ negatives: Int) -> Void) {
    var start = 0
    while start < ranked.count {
      let score = ranked[start].score
      var end = start
      var positives = 0
      while end < ranked.count, ranked[end].score == score {
        if ranked[end].isPositive { positives += 1 }
        end += 1
      }
      body(score, positives, end - start - positives)
      start = end
    }
  }
}
