import Basics

/// Freezes a detector's constants from the log-likelihoods of good frames, and sets its thresholds.
package struct Calibrator {
  private let detector: Detector
  private var goodFrames: [FrameLikelihoods] = []
  private var defectiveFrames: [FrameLikelihoods] = []

  package init(_ detector: Detector) { self.detector = detector }

  package mutating func add(_ frame: FrameLikelihoods, isDefective: Bool = false) {
    if isDefective { defectiveFrames.append(frame) } else { goodFrames.append(frame) }
  }

  /// - Throws: `.state` without good frames, or without defective ones for a rule that needs them.
  package func calibration(_ options: CalibrationOptions) throws(Failure) -> Calibration {
    try calibrationWithMean(options).calibration
  }

  /// The calibration and the highest mean of the good frames' maps, for ``Calibration/setMeanThreshold(above:)``.
  package func calibrationWithMean(
    _ options: CalibrationOptions
  ) throws(Failure) -> (calibration: Calibration, highestMean: Float) {
    guard !goodFrames.isEmpty else { throw Failure(.state, "no frame was given to calibrate with") }
    guard options.rule == .conformal || !defectiveFrames.isEmpty else {
      throw Failure(.state, "no defective frame was given to choose the threshold by")
    }
    let region = options.regionOfInterest
    let maps = try LikelihoodMaps(detector, region: region, smoothing: options.smoothing ?? 0)
    let levelMaxima = try maps.levelMaxima(of: goodFrames)
    let histogram = try PixelHistogram(maximum: detector.levels.count)
    // A frame's score is total - (the minimum of its sum); the total is the maximum over all good frames' sums.
    var total = -Float.infinity
    var lowestMean = Double.infinity
    let minima = try goodFrames.map { (frame) throws(Failure) in
      var (mean, count) = (0.0, 0)
      let minimum = try Self.minimum(frame, levelMaxima, maps) { sum in
        total = max(total, sum)
        histogram.add(sum)
        mean += Double(sum)
        count += 1
      }
      lowestMean = min(lowestMean, mean / Double(count))
      return minimum
    }
    // The margin is larger than the rounding of a map's values when frames are scored.
    let highestMean = Float(Double(total) * (1 + 1e-6) - lowestMean)
    let defectiveMinima = try defectiveFrames.map { (frame) throws(Failure) in
      try Self.minimum(frame, levelMaxima, maps) { _ in }
    }
    let scores = minima.map { total - $0 }
    let defectiveScores = defectiveMinima.map { total - $0 }

    let threshold =
      options.rule == .conformal
      ? Self.conformalThreshold(scores, rate: Double(options.falseRejectRate))
      : options.rule.threshold(good: scores, defective: defectiveScores)
    var calibration = try Calibration(
      levelMaxima: levelMaxima, total: Double(total), threshold: threshold, scores: scores)
    try calibration.setDefectiveScores(defectiveScores)
    if options.reviewRate > 0 {
      try calibration.setReviewThreshold(
        min(Self.conformalThreshold(scores, rate: Double(options.reviewRate)), threshold))
    }
    if options.lowVerdict != .pass {
      try calibration.setLowSide(
        LowSide(
          threshold: Self.conformalLowThreshold(scores, rate: Double(options.lowRate)), verdict: options.lowVerdict))
    }
    if options.rule == .conformal { try calibration.setWantedRate(Double(options.falseRejectRate)) }
    try calibration.setLevelMeans(maps.levelMeans(of: goodFrames, levelMaxima: levelMaxima))
    calibration.regionOfInterest = region
    try calibration.setSmoothing(options.smoothing ?? 0)
    calibration.mapScale = try Self.mapScale(histogram, total: total, pixelRate: Double(options.pixelRate))
    return (calibration, highestMean)
  }

  /// The smallest sum of a frame within the region.
  private static func minimum(
    _ frame: FrameLikelihoods, _ levelMaxima: [Double], _ maps: LikelihoodMaps, each: (Float) -> Void
  ) throws(Failure) -> Float {
    let layout = try maps.sum(frame, levelMaxima: levelMaxima)
    var minimum = Float.infinity
    for i in 0..<layout.count where layout.isInside(i) {
      each(maps.values[i])
      minimum = min(minimum, maps.values[i])
    }
    return minimum
  }

  static func conformalThreshold(_ scores: [Float], rate: Double) -> Float {
    scores.sorted()[ConformalPromise(frameCount: scores.count, wantedRate: rate).rank - 1]
  }

  /// The threshold below which there are as many ranks as are above ``conformalThreshold(_:rate:)`` for the same rate.
  static func conformalLowThreshold(_ scores: [Float], rate: Double) -> Float {
    scores.sorted()[ConformalPromise(frameCount: scores.count, wantedRate: rate).rejectedRanks - 1]
  }

  /// The share of good frames' pixels that heat maps draw.
  private static let drawnShare = 0.01

  /// A pixel's value is total - sum, so that those above a value have sums below its own. Rounding keeps their order.
  private static func mapScale(_ histogram: PixelHistogram, total: Float, pixelRate: Double) throws(Failure) -> MapScale
  {
    let low = total - histogram.bound(below: drawnShare)
    // No pixel is above the total. The range must not be empty even if all pixels have that value.
    return try MapScale(
      threshold: total - histogram.bound(below: pixelRate), low: low, high: max(total, low + 1e-3))
  }
}
