import Basics
import Evaluation

/// Compares the float32 detector with the one of 8 bits by the frames that both were calibrated with. These frames were not
/// trained on and gave no ranges, but they did set both detectors' constants and thresholds, so that the comparison is not fully
/// independent.
package struct QuantizationReport: Sendable, Equatable {
  /// How many frames gave the ranges.
  package let rangeCount: Int
  /// Passes that trained the flows further.
  package let passes: Int
  /// The good frames held back.
  package let good: ScorePairs
  /// The defective examples.
  package let defective: ScorePairs

  /// Area under the ROC curve of both detectors' scores; nil without defective examples. Fails with `.outOfMemory`.
  package var auroc: (float32: Double, int8: Double)? {
    get throws(Failure) { try ScorePairs.auroc(good: good, defective: defective) }
  }
}

/// The scores of the same frames by a detector in float32 and by the same one of 8 bits.
package struct ScorePairs: Sendable, Equatable {
  package let float32: [Float]
  package let int8: [Float]
  /// About how many of the frames the two decide differently.
  package let changedVerdicts: Int

  package init(float32: [Float], int8: [Float], changedVerdicts: Int) {
    self.float32 = float32
    self.int8 = int8
    self.changedVerdicts = changedVerdicts
  }

  package var count: Int { float32.count }

  /// Spearman's: 1 where both put the frames in the same order. NaN with fewer than two frames.
  package var rankCorrelation: Double { Evaluation.rankCorrelation(float32, int8) }

  /// Area under the ROC curve of both detectors' scores; nil without frames of either kind. Fails with `.outOfMemory`.
  package static func auroc(
    good: ScorePairs, defective: ScorePairs
  ) throws(Failure) -> (float32: Double, int8: Double)? {
    guard good.count > 0, defective.count > 0 else { return nil }
    let labels = good.float32.map { _ in UInt8(0) } + defective.float32.map { _ in 1 }
    func auroc(_ scores: [Float]) throws(Failure) -> Double {
      try scores.withUnsafeBufferPointer { scores throws(Failure) in
        try labels.withUnsafeBufferPointer { labels throws(Failure) in
          try RankedScores(scores: scores, labels: labels).auroc
        }
      }
    }
    return (try auroc(good.float32 + defective.float32), try auroc(good.int8 + defective.int8))
  }
}
