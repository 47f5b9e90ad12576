import Basics
import Kernels

/// What is worth knowing about a detector that was just trained or calibrated, and about one that was opened: how good
/// it is, and what would make it better. It is computed from what the fit and the calibration have stored and from the
/// current thresholds, so that a new calibration changes it.
package struct Advice: Sendable {
  /// Nil where it is not known: for detectors that the library did not train, or that a version before 1.2 did.
  package let fit: FitSummary?
  package let calibration: Calibration?
  /// Whether the flows start at a Gaussian.
  let startsAtGaussian: Bool
  /// The grid of each level, finest first.
  let levels: [Grid]

  /// Whether more good frames to learn from would help: the `CFLOWAD_MORE_FRAMES_` constants.
  package enum MoreFrames: Int32, Sendable {
    case unknown = 0
    case hardly = 1
    case somewhat = 2
    case much = 3
  }

  package init(fit: FitSummary?, calibration: Calibration?, startsAtGaussian: Bool, levels: [Grid]) {
    self.fit = fit
    self.calibration = calibration
    self.startsAtGaussian = startsAtGaussian
    self.levels = levels
  }

  /// Roughly what twice as many training frames would add to the mean log p / C of new good frames; nil where it is not known.
  ///
  /// The fits that were measured had 3/8 and 3/4 of the frames, which is 1.4 doublings before the step from all frames to twice
  /// as many. Each doubling gains about 0.62 of what the one before did (docs/calibration.md).
  package var doublingGain: Double? { fit?.curve.map { max($0.gain, 0) * Self.nextDoubling } }

  private static let nextDoubling = 0.5

  /// The bounds are explained in docs/calibration.md.
  package var moreFrames: MoreFrames {
    guard let doublingGain else { return .unknown }
    return doublingGain < 0.02 ? .hardly : doublingGain < 0.05 ? .somewhat : .much
  }

  /// Each level's share of the most that the map can rise by at a typical place of a good frame; empty where it is not known.
  package var levelShares: [Double] {
    guard let means = calibration?.levelMeans, case let sum = means.reduce(0, +), sum > 0 else { return [] }
    return means.map { $0 / sum }
  }
}

extension Calibration {
  /// The calibration frame that set the threshold.
  package struct Outlier: Sendable, Equatable {
    package let frame: ThresholdFrame
    package let score: Float
    /// The next lower score.
    package let next: Float
    /// Whether it scores as high as a black, white, grey or noisy frame while the next lower one does not.
    package let isAsHighAsBlank: Bool
  }

  /// The frame that set the threshold, if it stands out from the others and so is worth a look; nil otherwise, and
  /// where it is not known which frame it was.
  package var outlier: Outlier? {
    guard let thresholdFrame else { return nil }
    let ascending = scores.sorted()
    guard let next = ascending.last(where: { $0 < threshold }), ascending.contains(threshold) else { return nil }
    let blank = lowestBlankScore ?? .infinity
    let isAsHighAsBlank = blank <= threshold && next < blank
    // No score is above the total. How strange a score is shows in its distance from the total on a logarithmic scale.
    func depth(_ score: Float) -> Double { -log(max(1 - Double(score) / total, 1e-7)) }
    let median = ascending[(ascending.count - 1) / 2]
    let isFar =
      ascending.count >= Self.smallestCountWithOutliers
      && depth(threshold) - depth(next) > 2 * (depth(next) - depth(median))
    guard isFar || isAsHighAsBlank else { return nil }
    return Outlier(frame: thresholdFrame, score: threshold, next: next, isAsHighAsBlank: isAsHighAsBlank)
  }

  /// The lowest score of a frame that shows nothing; nil when none was tried.
  var lowestBlankScore: Float? { StrangeFrame.blankKinds.flatMap { strangeScores[$0, default: []] }.min() }

  /// With fewer frames one cannot say that a score is far from the others.
  private static var smallestCountWithOutliers: Int { 8 }
}

/// The calibration frame whose score is the threshold.
package struct ThresholdFrame: Sendable, Equatable {
  /// Its index among all frames that were given.
  package let index: Int
  /// Its name, e.g. a file's path; empty when it has none.
  package let name: String

  package init(index: Int, name: String) {
    self.index = index
    self.name = name
  }
}
