import Basics
import Imaging
import Kernels
import Segmentation

/// The way from a frame's pixels to its score, its maps, its regions and its verdict: the only one there is. Scratch memory
/// for one call at a time; a frame of a size seen lately allocates nothing. A frame's numbers depend on nothing but the
/// detector and the frame.
package final class FrameScorer {
  package let likelihoods: LikelihoodSession
  /// What scores are judged by: within the region of the calibration as it was given.
  package private(set) var thresholds: DecisionThresholds
  private let calibratedThresholds: DecisionThresholds
  /// Is told of each stage that has ended, to measure its time; nil for nobody.
  package var clock: StageClock?
  package var detector: Detector { likelihoods.detector }
  /// The last frame's anomaly map at the network's scale: height x width of its layout.
  var map: UnsafePointer<Float> { anomalyMap.values }
  private let workers: Workers
  private var anomalyMap: AnomalyMap
  /// The calibration's, by themselves, as a copy of all that it holds takes much of a small stack; nil without one.
  private let constants: (levelMaxima: [Double], total: Double)?
  /// Of the frame at hand; nil before the first.
  private var layout: FrameLayout?
  private var request = FrameRequest()
  /// For the largest frames for which they were asked.
  private var finder: RegionFinder?
  private var frameMap: FloatBuffer?

  /// - Parameters:
  ///   - thresholds: instead of the detector's own.
  ///   - threadCount: threads that share the work, the calling one included; 0 for one per processor.
  package convenience init(
    _ detector: Detector, thresholds: DecisionThresholds? = nil, threadCount: Int = 0
  ) throws(Failure) {
    try self.init(detector, thresholds: thresholds, workers: Workers(count: threadCount))
  }

  /// - Parameters:
  ///   - encoder: one that serves the detector; nil for a new one.
  ///   - workers: what shares the work; nobody else may use it meanwhile.
  package convenience init(
    _ detector: Detector, thresholds: DecisionThresholds? = nil, encoder: FrameEncoder? = nil, workers: Workers
  ) throws(Failure) {
    let encoder = if let encoder { encoder } else { try FrameEncoder(detector, workers: workers) }
    try self.init(
      LikelihoodSession(detector, encoder: encoder, workers: workers),
      thresholds ?? DecisionThresholds(detector.calibration), workers)
  }

  private init(
    _ likelihoods: LikelihoodSession, _ thresholds: DecisionThresholds, _ workers: Workers
  ) throws(Failure) {
    self.likelihoods = likelihoods
    self.workers = workers
    self.thresholds = thresholds
    calibratedThresholds = thresholds
    constants = likelihoods.detector.calibration.map { ($0.levelMaxima, $0.total) }
    anomalyMap = try AnomalyMap(
      likelihoods.detector, region: likelihoods.detector.calibration?.regionOfInterest, workers: workers)
  }

  /// A scorer of the same detector with another calibration, in the same memory and with the same threads: use one of the
  /// two at a time.
  package func calibrated(_ calibration: Calibration) throws(Failure) -> FrameScorer {
    try FrameScorer(likelihoods.calibrated(calibration), DecisionThresholds(calibration), workers)
  }

  /// Scores the frames that follow, and finds their regions, within a region of interest; nil for the detector's own,
  /// that of its calibration. In another one good frames may well score lower than the calibration's did, so that there
  /// low scores are not strange, nor are high means.
  package func setRegionOfInterest(_ region: RegionOfInterest?) throws(Failure) {
    let calibrated = detector.calibration?.regionOfInterest
    anomalyMap = try AnomalyMap(detector, region: region ?? calibrated, workers: workers)
    isInCalibratedRegion = region?.isEqual(to: calibrated) ?? true
    thresholds = isInCalibratedRegion ? calibratedThresholds : calibratedThresholds.withoutStrangeness
  }

  /// Whether frames are scored where the calibration's were.
  private var isInCalibratedRegion = true

  /// Scores a frame. Fails with `.bufferTooSmall` for too little room, and then has written nothing; with `.diverged` when
  /// a log-likelihood or the score is not finite, with `.notCalibrated` when a score is wanted that there is none of, and
  /// with `.outOfMemory`, for a frame of a new size.
  package func score(_ frame: Frame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    try begin(width: frame.width, height: frame.height, request)
    for tile in 0..<tileCount { try run(tile: tile, of: frame) }
    return try finish()
  }

  /// The same of a frame that was resized before.
  package func score(_ frame: PreparedFrame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    try begin(width: frame.width, height: frame.height, request)
    for tile in 0..<tileCount {
      likelihoods.run(resized: frame.pictures[tile], clock)
      try take(tile)
    }
    return try finish()
  }

  // MARK: Step by step, for detectors that share an encoder

  /// Begins with a frame of this size: checks that there is room for what is wanted, and makes what the size needs.
  func begin(width: Int, height: Int, _ request: FrameRequest) throws(Failure) {
    let layout = try anomalyMap.layout(frameWidth: width, frameHeight: height)
    try request.map?.check(holds: layout.count)
    try request.frameMap?.check(holds: width &* height)
    // Neither product overflows: 2^24 tiles at most, of levels that are in memory.
    try request.logLikelihoods?.check(holds: layout.tiles.count &* detector.positionCount)
    try request.features?.check(holds: layout.tiles.count &* detector.featureCount)
    if let limit = request.regionLimit { try prepareFinder(width: width, height: height, limit: limit) }
    if request.needsOwnFrameMap, (frameMap?.count ?? 0) < width &* height {
      frameMap = try FloatBuffer(count: width &* height)
    }
    (self.layout, self.request) = (layout, request)
  }

  var tileCount: Int { layout?.tiles.count ?? 0 }

  /// Encodes a tile, computes its log-likelihoods, and adds them to the map. Every tile once, in their order.
  ///
  /// - Parameter isEncoded: the encoder ran this tile last, for another detector.
  func run(tile: Int, of frame: Frame, isEncoded: Bool = false) throws(Failure) {
    guard let layout else { return }
    try likelihoods.run(frame.part(layout.tiles.rectangle(tile)), isEncoded: isEncoded, clock)
    try take(tile)
  }

  /// Hands out what is wanted of the tile that was run last, and adds it to the map.
  private func take(_ tile: Int) throws(Failure) {
    try likelihoods.checkFinite()
    if let room = request.logLikelihoods {
      let count = detector.positionCount
      (room.base + tile &* count).update(from: likelihoods.logLikelihoods, count: count)
    }
    if var target = request.features.map({ $0.base + tile &* detector.featureCount }) {
      for (level, grid) in detector.levels.enumerated() {
        target.update(from: likelihoods.features(level), count: grid.count)
        target += grid.count
      }
    }
    guard request.wantsScore, let constants, let layout else { return }
    anomalyMap.add(
      tile: tile, of: layout, logLikelihoods: likelihoods.logLikelihoods, levelMaxima: constants.levelMaxima)
    clock?(.map)
  }

  /// The result, when all tiles were run. Once a frame.
  func finish() throws(Failure) -> FrameResult {
    var result = FrameResult(detector: detector, thresholds: thresholds)
    guard request.wantsScore, let layout else { return result }
    guard let constants else {
      throw Failure(.notCalibrated, "the model is not calibrated: it gives log-likelihoods, but no score")
    }
    let summary = anomalyMap.invert(layout, total: constants.total)
    guard summary.maximum.isFinite else {
      throw Failure(.diverged, "the score is not finite: the calibration does not fit the model")
    }
    result.score = summary.maximum
    result.mapMean = summary.mean
    result.lowPValue = lowPValue(result.score)
    request.map?.base.update(from: map, count: layout.count)
    if let frameMap = request.frameMap?.base ?? (request.needsOwnFrameMap ? frameMap?.base : nil) {
      layout.resample(map, into: frameMap, workers)
      result.frameMap = UnsafePointer(frameMap)
    }
    clock?(.map)
    if request.regionLimit != nil, let finder, let frameMap = result.frameMap {
      let count = finder.find(in: frameMap, above: thresholds.pixelThreshold, filter: thresholds.regionFilter) { x, y in
        layout.isInside(frameX: x, frameY: y)
      }
      result.regions = (count, finder)
      clock?(.regions)
    }
    return result
  }

  /// As ``Calibration/lowPValue(_:)``; NaN also within another region than the calibration's. Not inline, since the copy of a
  /// calibration takes much of a small stack.
  @inline(never)
  func lowPValue(_ score: Float) -> Float {
    isInCalibratedRegion ? detector.calibration?.lowPValue(score) ?? .nan : .nan
  }

  /// Makes ``finder`` one of up to `limit` regions of frames of this size; allocates for the largest frames so far. Fails with
  /// `.unsupported` or `.outOfMemory`.
  private func prepareFinder(width: Int, height: Int, limit: Int) throws(Failure) {
    if let finder { return try finder.fit(width: width, height: height, limit: limit) }
    finder = try RegionFinder(width: width, height: height, limit: limit)
  }
}
