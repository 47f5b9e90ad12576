import Segmentation

/// The decision about a frame, the mildest first: the `CFLOWAD_VERDICT_` constants.
package enum Verdict: Int32, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  case pass = 0
  case review = 1
  case reject = 2

  /// Its name in model files and for readers. Without it Swift would find the case's name by reflection, which takes 30 KB of the stack of
  /// whoever opens a model.
  package var description: String {
    switch self {
    case .pass: "pass"
    case .review: "review"
    case .reject: "reject"
    }
  }

  package static func < (a: Verdict, b: Verdict) -> Bool { a.rawValue < b.rawValue }
}

/// The thresholds that frames are judged by: those that the user sets, otherwise the detector's.
package struct DecisionThresholds: Sendable {
  /// Score above which a frame is rejected; NaN when neither detector nor session has one.
  package let threshold: Float
  /// Score above which a frame is not passed, at most ``threshold``.
  package let reviewThreshold: Float
  /// Score below which a frame is strange, because it is lower than those of good frames; NaN for none.
  package private(set) var lowThreshold: Float
  /// Mean of the map above which a frame is strange all over; NaN for none.
  package private(set) var meanThreshold: Float
  /// The mildest verdict that such frames get.
  package let lowVerdict: Verdict
  /// Value of the map above which a pixel is anomalous.
  package let pixelThreshold: Float
  /// Which regions above ``pixelThreshold`` count.
  package let regionFilter: RegionFinder.Filter

  /// Parameters that are not nil replace the detector's thresholds.
  package init(
    _ calibration: Calibration?, threshold: Float? = nil, reviewThreshold: Float? = nil, pixelThreshold: Float? = nil,
    regionFilter: RegionFinder.Filter = .init()
  ) {
    self.threshold = threshold ?? calibration?.threshold ?? .nan
    // Without a review threshold there is no review verdict, whatever threshold the session sets.
    self.reviewThreshold = min(reviewThreshold ?? calibration?.reviewThreshold ?? self.threshold, self.threshold)
    lowThreshold = calibration?.lowSide?.threshold ?? .nan
    meanThreshold = calibration?.meanThreshold ?? .nan
    lowVerdict = calibration?.lowSide?.verdict ?? .pass
    self.regionFilter = regionFilter
    self.pixelThreshold = pixelThreshold ?? calibration?.mapScale.threshold ?? .nan
  }

  /// A copy without the thresholds that tell strange frames, for a region in which good frames may have other scores.
  var withoutStrangeness: DecisionThresholds {
    var thresholds = self
    (thresholds.lowThreshold, thresholds.meanThreshold) = (.nan, .nan)
    return thresholds
  }

  /// - Parameter mean: the mean of the map; NaN where it is not known.
  package func verdict(_ score: Float, mean: Float) -> Verdict {
    max(highVerdict(score), score < lowThreshold || mean > meanThreshold ? lowVerdict : .pass)
  }

  /// Whether the score is below the low threshold.
  package func isTooLow(_ score: Float) -> Bool { score < lowThreshold && lowVerdict > highVerdict(score) }

  /// Whether the verdict is owed to a map that is high all over.
  package func isStrangeAllOver(_ score: Float, mean: Float) -> Bool {
    mean > meanThreshold && lowVerdict > highVerdict(score)
  }

  private func highVerdict(_ score: Float) -> Verdict {
    score > threshold ? .reject : score > reviewThreshold ? .review : .pass
  }
}
