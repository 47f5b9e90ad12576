import Basics

/// The scores of either class in ascending order. Equal scores have no order among themselves; measures treat them as one.
///
/// It takes 4 bytes of memory per score, and 4 more while sorting.
package struct RankedScores {
  /// ``rank(of:)`` of all scores: of the negatives (good) in ascending order, then of the positives (defective).
  private let ranks: Buffer<UInt32>
  package let negatives: Int
  package let positives: Int
  var count: Int { ranks.count }

  /// Fails with `.invalidArgument` when the counts differ, a score is not finite or a class is missing, `.unsupported`
  /// when there are too many and `.outOfMemory`.
  package init(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>) throws(Failure) {
    guard scores.count == labels.count else {
      throw Failure(.invalidArgument, "\(scores.count) scores do not fit \(labels.count) labels")
    }
    guard scores.count <= Evaluation.maximumCount else {
      throw Failure(.unsupported, "\(scores.count) scores are more than \(Evaluation.maximumCount)")
    }
    var positives = 0
    for index in scores.indices {
      guard scores[index].isFinite else { throw Failure(.invalidArgument, "score \(index) is not finite") }
      if labels[index] != 0 { positives += 1 }
    }
    negatives = scores.count - positives
    self.positives = positives
    guard positives > 0, negatives > 0 else {
      throw Failure(.invalidArgument, "both classes are needed, and all labels are of the same")
    }
    ranks = try Buffer<UInt32>(count: scores.count)
    var (nextNegative, nextPositive) = (0, negatives)
    for index in scores.indices {
      if labels[index] != 0 {
        ranks.base[nextPositive] = rank(of: scores[index])
        nextPositive += 1
      } else {
        ranks.base[nextNegative] = rank(of: scores[index])
        nextNegative += 1
      }
    }
    try sortByRank(ranks.base, count: negatives)
    try sortByRank(ranks.base + negatives, count: positives)
  }

  /// Calls the body for every distinct score, ascending, with how many scores of each class equal it.
  func forEachScore(_ body: (_ score: Float, _ positives: Int, _ negatives: Int) -> Void) {
    var (negative, positive) = (0, negatives)
    while negative < negatives || positive < count {
      let rank = min(
        negative < negatives ? ranks.base[negative] : .max, positive < count ? ranks.base[positive] : .max)
      let (firstNegative, firstPositive) = (negative, positive)
      while negative < negatives, ranks.base[negative] == rank { negative += 1 }
      while positive < count, ranks.base[positive] == rank { positive += 1 }
      body(score(ofRank: rank), positive - firstPositive, negative - firstNegative)
    }
  }
}
