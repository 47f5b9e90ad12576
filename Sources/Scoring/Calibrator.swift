import Basics
import Kernels

/// Freezes a detector's constants from the log-likelihoods of good frames, and sets its thresholds.
package struct Calibrator {
  private let detector: Detector
  /// Per frame, the levels' grids one after the other.
  private var goodFrames: [[Float]] = []
  private var defectiveFrames: [[Float]] = []

  package init(_ detector: Detector) { self.detector = detector }

  /// Adds the frame that the session ran last.
  package mutating func add(_ session: LikelihoodSession, isDefective: Bool = false) throws(Failure) {
    guard session.isFinite else {
      let index = isDefective ? defectiveFrames.count : goodFrames.count
      throw Failure(
        .diverged,
        "\(isDefective ? "defective" : "calibration") frame \(index) gives log-likelihoods that are not finite")
    }
    let frame = Array(UnsafeBufferPointer(start: session.logLikelihoods, count: detector.positionCount))
    if isDefective { defectiveFrames.append(frame) } else { goodFrames.append(frame) }
  }

  /// - Throws: `.state` without good frames, or without defective ones for a rule that needs them.
  package func calibration(_ options: CalibrationOptions) throws(Failure) -> Calibration {
    guard !goodFrames.isEmpty else { throw Failure(.state, "no frame was given to calibrate with") }
    guard options.rule == .conformal || !defectiveFrames.isEmpty else {
      throw Failure(.state, "no defective frame was given to choose the threshold by")
    }
    let (width, height) = (detector.preprocessing.width, detector.preprocessing.height)
    let region = options.regionOfInterest
    let map = try AnomalyMap(width: width, height: height, levels: detector.levels, region: region)
    let levelMaxima = levelMaxima(map)
    let inside = (0..<width * height).filter { region?.mask[$0] != 0 }
    let sums = try FloatBuffer(count: width * height)
    let histogram = try PixelHistogram(maximum: detector.levels.count)
    // A frame's score is total - (the minimum of its sum); the total is the maximum over all good frames' sums.
    var total = -Float.infinity
    let minima = goodFrames.map { frame in
      sum(frame, levelMaxima, map, into: sums)
      for i in inside {
        total = max(total, sums.base[i])
        histogram.add(sums.base[i])
      }
      return inside.reduce(.infinity) { min($0, sums.base[$1]) }
    }
    let defectiveMinima = defectiveFrames.map { frame in
      sum(frame, levelMaxima, map, into: sums)
      return inside.reduce(.infinity) { min($0, sums.base[$1]) }
    }
    let scores = minima.map { total - $0 }
    let defectiveScores = defectiveMinima.map { total - $0 }

    let threshold =
      options.rule == .conformal
      ? Self.conformalThreshold(scores, rate: options.falseRejectRate)
      : options.rule.threshold(good: scores, defective: defectiveScores)
    var calibration = try Calibration(
      levelMaxima: levelMaxima, total: Double(total), threshold: threshold, scores: scores)
    try calibration.setDefectiveScores(defectiveScores)
    if options.reviewRate > 0 {
      try calibration.setReviewThreshold(min(Self.conformalThreshold(scores, rate: options.reviewRate), threshold))
    }
    calibration.regionOfInterest = region
    calibration.mapScale = try Self.mapScale(histogram, total: total, pixelRate: options.pixelRate)
    return calibration
  }

  /// Of the positions that the map uses.
  private func levelMaxima(_ map: AnomalyMap) -> [Double] {
    var maxima: [Double] = []
    var start = 0
    for grid in detector.levels {
      let positions = (start..<start + grid.positions).filter { map.isUsed.isEmpty || map.isUsed[$0] }
      maxima.append(
        goodFrames.reduce(-.infinity) { maximum, frame in
          positions.reduce(maximum) { max($0, Double(frame[$1])) }
        })
      start += grid.positions
    }
    return maxima
  }

  private func sum(_ frame: [Float], _ levelMaxima: [Double], _ map: AnomalyMap, into sums: FloatBuffer) {
    frame.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress else { return }
      map.sum(logLikelihoods: values, levelMaxima: levelMaxima, into: sums.base)
    }
  }

  static func conformalThreshold(_ scores: [Float], rate: Double) -> Float {
    scores.sorted()[ConformalPromise(frameCount: scores.count, wantedRate: rate).rank - 1]
  }

  /// Share of good frames' pixels that is drawn at all.
  private static let drawnShare = 0.01

  /// The pixels' values are total - sum: those above a value have sums below its own. Rounding keeps their order.
  private static func mapScale(_ histogram: PixelHistogram, total: Float, pixelRate: Double) throws(Failure) -> MapScale
  {
    let low = total - histogram.bound(below: drawnShare)
    // No pixel is above the total, wherever it is; but let there be a range when all are there.
    return try MapScale(
      threshold: total - histogram.bound(below: pixelRate), low: low, high: max(total, low + 1e-3))
  }
}
