import Basics

/// Constants frozen from good frames that were not trained on, so that a frame is scored by itself.
package struct Calibration: Sendable, Equatable {
  /// Per level, finest first: the largest log p / C over the calibration frames.
  package let levelMaxima: [Double]
  /// The largest value over the calibration frames of the sum of exp(log p / C - maximum), levels upsampled.
  package let total: Double
  /// Score above which a frame is rejected.
  package let threshold: Float
  /// The calibration frames' scores, in the order they were given.
  package let scores: [Float]

  package init(levelMaxima: [Double], total: Double, threshold: Float, scores: [Float]) throws(Failure) {
    guard levelMaxima.allSatisfy({ $0.isFinite }), total.isFinite, threshold.isFinite,
      scores.allSatisfy({ $0.isFinite })
    else { throw Failure(.format, "the calibration holds a value that is not finite") }
    self.levelMaxima = levelMaxima
    self.total = total
    self.threshold = threshold
    self.scores = scores
  }
}
