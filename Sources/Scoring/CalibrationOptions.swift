import Basics

/// What a calibration is to set its thresholds by.
package struct CalibrationOptions: Sendable, Equatable {
  /// Wanted share of good frames above the threshold, 0...0.5.
  package var falseRejectRate = 0.01
  /// The same above the review threshold; 0 for none.
  package var reviewRate = 0.0
  /// Wanted share of good frames below the low threshold, 0...0.5.
  package var lowRate = 0.01
  /// What frames below it are given; `.pass` for no low threshold.
  package var lowVerdict = Verdict.review
  /// Wanted share of good frames' pixels above the map's threshold, 0...0.5.
  package var pixelRate = 0.001
  package var rule = ThresholdRule.conformal
  /// Within which scores, constants and thresholds are computed; nil for whole frames.
  package var regionOfInterest: RegionOfInterest?
  /// As ``Calibration/smoothing``.
  package var smoothing = 0.0

  package init() {}
}
