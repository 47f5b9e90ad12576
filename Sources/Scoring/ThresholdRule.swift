/// How the threshold of a calibration is chosen.
package enum ThresholdRule: Sendable, Equatable {
  /// Rejects a wanted share of good frames, and needs no defective ones.
  case conformal
  /// The largest F1 over the good and the defective frames.
  case bestF1
  /// The lowest cost: the share of good frames that is rejected plus `miss` times the share of defective ones that is
  /// missed. Where the line has d defective frames for each good one, and missing one is as bad as rejecting c good
  /// ones, `miss` is c d.
  case lowestCost(miss: Double)

  /// The threshold above which frames are rejected. It lies between two of the scores, or just below the lowest. Of thresholds that
  /// are equally good it is the lowest. There must be frames of both kinds.
  func threshold(good: [Float], defective: [Float]) -> Float {
    let scores = (good.map { ($0, isDefective: false) } + defective.map { ($0, isDefective: true) })
      .sorted { $0.0 < $1.0 }
    var best = (loss: Double.infinity, threshold: Float.nan)
    // Begins with a threshold that rejects all, and raises it.
    var (missed, rejectedGood) = (0, good.count)
    var index = 0
    while true {
      let loss = loss(
        missed: missed, defectiveCount: defective.count, rejectedGood: rejectedGood, goodCount: good.count)
      if loss < best.loss {
        let next = index < scores.count ? scores[index].0 : .infinity
        best = (loss, index == 0 ? next.nextDown : Self.between(scores[index - 1].0, next))
      }
      guard index < scores.count else { return best.threshold }
      let score = scores[index].0
      while index < scores.count, scores[index].0 == score {
        if scores[index].isDefective { missed += 1 } else { rejectedGood -= 1 }
        index += 1
      }
    }
  }

  private func loss(missed: Int, defectiveCount: Int, rejectedGood: Int, goodCount: Int) -> Double {
    switch self {
    case .conformal, .bestF1:
      let found = defectiveCount - missed
      return -2 * Double(found) / Double(2 * found + missed + rejectedGood)
    case .lowestCost(let miss):
      return miss * Double(missed) / Double(defectiveCount) + Double(rejectedGood) / Double(goodCount)
    }
  }

  /// A number that is at least `lower` and below `upper`; `lower` itself when `upper` is infinite.
  private static func between(_ lower: Float, _ upper: Float) -> Float {
    guard upper.isFinite else { return lower }
    let middle = lower / 2 + upper / 2
    return middle < upper ? max(middle, lower) : lower
  }
}
