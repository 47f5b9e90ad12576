import Basics

/// Settings of a calibration.
package struct CalibrationOptions: Sendable, Equatable {
  /// Wanted share of good frames above the threshold, 0...0.5.
  package var falseRejectRate: Float = 0.01
  /// Wanted share of good frames above the review threshold, `falseRejectRate`...0.5; 0 for no such threshold.
  package var reviewRate: Float = 0
  /// Wanted share of good frames below the low threshold, 0...0.5.
  package var lowRate: Float = 0.01
  /// The mildest verdict about frames below the low threshold; `.pass` for no such threshold.
  package var lowVerdict = Verdict.review
  /// Wanted share of good frames' pixels above the map's threshold, 0...0.5.
  package var pixelRate: Float = 0.001
  /// How the threshold is chosen. Some rules need defective frames. The cost of a miss is 1e-6...1e6.
  package var rule = ThresholdRule.conformal
  /// The region in which scores, constants and thresholds are computed; nil for whole frames.
  package var regionOfInterest: RegionOfInterest?
  /// As ``Calibration/smoothing``; nil for none, or in training for what suits the flows' start.
  package var smoothing: Double?

  package init() {}

  /// Fails with `.invalidArgument`, naming the first setting that is out of range.
  package func validate() throws(Failure) {
    try checkRange("the false reject rate", falseRejectRate, within: 0...0.5)
    if reviewRate != 0 { try checkRange("the review rate", reviewRate, within: falseRejectRate...0.5) }
    try checkRange("the low rate", lowRate, within: 0...0.5)
    try checkRange("the pixel rate", pixelRate, within: 0...0.5)
    if let smoothing { try checkRange("the map's smoothing", smoothing, within: Calibration.smoothings) }
    if case .lowestCost(let miss) = rule { try checkRange("the cost of a miss", miss, within: 1e-6...1e6) }
  }
}
