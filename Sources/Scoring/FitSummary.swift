import Basics

/// What a fit found out about the detector. It is stored with the weights, and read by ``Advice``.
package struct FitSummary: Sendable, Equatable {
  /// The number of good frames that were given to learn from.
  package let givenCount: Int
  /// How many of them the flows were fitted to; the others were held back for calibration.
  package let fittedCount: Int
  /// Nil where it is not known, as after the paper's training.
  package let curve: LearningCurve?
  /// What each level's coupling blocks add to the mean log p / C of frames that they were not trained on; empty without
  /// coupling steps.
  package let couplingGains: [Double]

  /// Fails with `.format` when the numbers contradict each other.
  package init(
    givenCount: Int, fittedCount: Int, curve: LearningCurve? = nil, couplingGains: [Double] = []
  ) throws(Failure) {
    guard fittedCount > 0, givenCount >= fittedCount else {
      throw Failure(.format, "\(fittedCount) of \(givenCount) frames cannot be fitted to")
    }
    guard couplingGains.allSatisfy({ $0.isFinite }) else {
      throw Failure(.format, "what coupling blocks add is not finite")
    }
    self.givenCount = givenCount
    self.fittedCount = fittedCount
    self.curve = curve
    self.couplingGains = couplingGains
  }
}

/// How much likelier new good frames become when a closed form is fitted to more frames: the mean log p / C of some
/// frames after fits to others and to half of those.
package struct LearningCurve: Sendable, Equatable {
  package let halfCount: Int
  package let fullCount: Int
  /// For each level, finest first.
  package let half: [Double]
  package let full: [Double]

  /// Fails with `.format` when the numbers contradict each other.
  package init(halfCount: Int, fullCount: Int, half: [Double], full: [Double]) throws(Failure) {
    guard halfCount > 0, fullCount > halfCount, !half.isEmpty, half.count == full.count,
      (half + full).allSatisfy({ $0.isFinite })
    else { throw Failure(.format, "the learning curve is not one of two fits") }
    self.halfCount = halfCount
    self.fullCount = fullCount
    self.half = half
    self.full = full
  }

  /// What the second half of the frames added to log p / C, as the mean over levels.
  package var gain: Double {
    zip(half, full).reduce(0) { $0 + $1.1 - $1.0 } / Double(full.count)
  }
}
