import Segmentation

/// Decision about a frame: the `CFLOWAD_VERDICT_` constants.
package enum Verdict: Int32, Sendable, CaseIterable {
  case pass = 0
  case review = 1
  case reject = 2
}

/// The thresholds of a session: the detector's, but for those that the session sets itself.
package struct Judge: Sendable {
  /// Score above which a frame is rejected; NaN when neither detector nor session has one.
  package let threshold: Float
  /// Score above which a frame is not passed, at most ``threshold``.
  package let reviewThreshold: Float
  /// Value of the map above which a pixel is anomalous.
  package let pixelThreshold: Float
  /// Which regions above it count.
  package let regionFilter: RegionFinder.Filter

  /// - Parameters: instead of the detector's own.
  package init(
    _ calibration: Calibration?, threshold: Float? = nil, reviewThreshold: Float? = nil, pixelThreshold: Float? = nil,
    regionFilter: RegionFinder.Filter = .init()
  ) {
    self.threshold = threshold ?? calibration?.threshold ?? .nan
    // A detector without one has no such verdict, whatever threshold the session sets.
    self.reviewThreshold = min(reviewThreshold ?? calibration?.reviewThreshold ?? self.threshold, self.threshold)
    self.regionFilter = regionFilter
    self.pixelThreshold = pixelThreshold ?? calibration?.mapScale.threshold ?? .nan
  }

  package func verdict(_ score: Float) -> Verdict {
    score > threshold ? .reject : score > reviewThreshold ? .review : .pass
  }
}
