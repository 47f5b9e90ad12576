import Basics
import Imaging
import Kernels
import Segmentation

/// Computes a frame's score, maps, regions and verdict from its pixels. There is no other way to them. It holds scratch
/// memory for one call at a time, and allocates nothing for frames of a size seen lately. The numbers depend on the
/// detector and the frame alone.
package final class FrameScorer {
  package let likelihoods: LikelihoodSession
  /// The thresholds that scores are judged by.
  package private(set) var thresholds: DecisionThresholds
  private let calibratedThresholds: DecisionThresholds
  /// Called at the end of each stage, to measure its time; nil for no clock.
  package var clock: StageClock?
  /// Is told the score of every frame, as long as they are scored in the calibration's region.
  package var watch: LineWatch?
  package var detector: Detector { likelihoods.detector }
  /// The last frame's anomaly map at the network's scale: height x width of its layout.
  var map: UnsafePointer<Float> { anomalyMap.values }
  private let workers: Workers
  private var anomalyMap: AnomalyMap
  private var batch: TileBatch?
  /// The calibration's constants, kept apart because a copy of the whole calibration takes much of a small stack; nil
  /// without a calibration.
  private let constants: (levelMaxima: [Double], total: Double)?
  /// The current frame's layout; nil before the first frame.
  private var layout: FrameLayout?
  private var request = FrameRequest()
  /// Both are as large as the largest frame for which they were needed.
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
  ///   - workers: share the work; nobody else may use them meanwhile.
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

  /// A scorer of the same detector with another calibration, which shares memory and threads with this one: use one of
  /// the two at a time.
  package func calibrated(_ calibration: Calibration) throws(Failure) -> FrameScorer {
    try FrameScorer(likelihoods.calibrated(calibration), DecisionThresholds(calibration), workers)
  }

  /// Sets the region of interest for the frames that follow; nil for that of the calibration. In another region good
  /// frames may score lower than those of the calibration did, so that low scores and high means are not strange there.
  package func setRegionOfInterest(_ region: RegionOfInterest?) throws(Failure) {
    let calibrated = detector.calibration?.regionOfInterest
    anomalyMap = try AnomalyMap(detector, region: region ?? calibrated, workers: workers)
    isInCalibratedRegion = region?.isEqual(to: calibrated) ?? true
    thresholds = isInCalibratedRegion ? calibratedThresholds : calibratedThresholds.withoutStrangeness
  }

  /// Whether frames are scored in the calibration's region.
  private var isInCalibratedRegion = true

  /// Scores a frame. Fails with `.bufferTooSmall` for too little room, before anything is written; with `.diverged`
  /// when a log-likelihood or the score is not finite; with `.notCalibrated` when a score is wanted from a detector
  /// without calibration; and with `.outOfMemory`, for a frame of a new size only.
  package func score(_ frame: Frame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    if let batch = try tileBatch(width: frame.width, height: frame.height) {
      try score(frame, request, in: batch)
    } else {
      try scoreInTurn(frame, request)
    }
  }

  /// What computes the tiles of a frame of this size together; nil when there is one, or no such thing.
  @inline(never)
  private func tileBatch(width: Int, height: Int) throws(Failure) -> TileBatch? {
    try layout(width: width, height: height).tiles.count > 1 ? tileBatch() : nil
  }

  /// Scores a frame tile by tile, each by all threads.
  @inline(never)
  private func scoreInTurn(_ frame: Frame, _ request: FrameRequest) throws(Failure) -> FrameResult {
    try begin(width: frame.width, height: frame.height, request)
    for tile in 0..<tileCount { try run(tile: tile, of: frame) }
    return try finish()
  }

  /// Scores a frame that was resized before.
  package func score(_ frame: PreparedFrame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    try begin(width: frame.width, height: frame.height, request)
    for (tile, picture) in frame.pictures.enumerated() {
      try picture.withUnsafeBufferPointer { (pixels) throws(Failure) in
        if let pixels = pixels.baseAddress { try run(tile: tile, resized: pixels) }
      }
    }
    return try finish()
  }

  // MARK: Step by step, for detectors that share an encoder

  /// Begins a frame of this size: checks that the caller's arrays are large enough, and allocates what the size needs.
  func begin(width: Int, height: Int, _ request: FrameRequest) throws(Failure) {
    let layout = try layout(width: width, height: height)
    try request.checkRoom(detector, layout.tiles, frameWidth: width, frameHeight: height)
    try anomalyMap.begin(layout)
    if let limit = request.regionLimit { try prepareFinder(width: width, height: height, limit: limit) }
    if request.needsOwnFrameMap, (frameMap?.count ?? 0) < width &* height {
      frameMap = try FloatBuffer(count: width &* height)
    }
    (self.layout, self.request) = (layout, request)
  }

  /// The layout of frames of a size, made anew for one that was not met lately.
  func layout(width: Int, height: Int) throws(Failure) -> FrameLayout {
    try anomalyMap.layout(frameWidth: width, frameHeight: height)
  }

  /// What computes several tiles at a time, made when it is first needed; nil with one thread, and where the stages' times are
  /// measured. Where there is no memory for it tiles are computed one after the other.
  func tileBatch() -> TileBatch? {
    guard workers.count > 1, clock == nil else { return nil }
    if batch == nil { batch = try? TileBatch(detector, workers: workers) }
    return batch
  }

  var tileCount: Int { layout?.tiles.count ?? 0 }

  /// Encodes a tile, computes its log-likelihoods, and adds them to the map. To be called once for each tile, in order.
  ///
  /// - Parameter isEncoded: whether the encoder has just run this tile for another detector.
  func run(tile: Int, of frame: Frame, isEncoded: Bool = false) throws(Failure) {
    guard let layout else { return }
    try likelihoods.run(frame.part(layout.tiles.rectangle(tile)), isEncoded: isEncoded, clock)
    try takeLast(tile)
  }

  /// The same for a tile that has the network's size already: height x width RGB8.
  func run(tile: Int, resized pixels: UnsafePointer<UInt8>) throws(Failure) {
    likelihoods.run(resized: pixels, clock)
    try takeLast(tile)
  }

  /// Takes the tile that the session computed last.
  private func takeLast(_ tile: Int) throws(Failure) {
    likelihoods.encoder.tileEncoder.copyFeatures(tile: tile, to: request)
    try take(tile, logLikelihoods: likelihoods.logLikelihoods)
  }

  /// Checks and copies a tile's log-likelihoods, and adds them to the map.
  func take(_ tile: Int, logLikelihoods: UnsafePointer<Float>) throws(Failure) {
    let count = detector.positionCount
    guard allFinite(logLikelihoods, count: count) else {
      throw Failure(.diverged, "the network's output is not finite: its weights do not fit each other or the input")
    }
    if let room = request.logLikelihoods { (room.base + tile &* count).update(from: logLikelihoods, count: count) }
    guard request.wantsScore, let constants, let layout else { return }
    anomalyMap.add(tile: tile, of: layout, logLikelihoods: logLikelihoods, levelMaxima: constants.levelMaxima)
    clock?(.map)
  }

  /// The result, once all tiles were run. To be called once a frame.
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
      mark(frameMap, layout, finder)
      let count = finder.find(in: frameMap, filter: thresholds.regionFilter)
      result.regions = (count, finder)
      clock?(.regions)
    }
    if isInCalibratedRegion { try watch?.add(result.score) }
    return result
  }

  /// Marks the pixels of a frame's map that belong to regions. Threads share the rows, some at a time.
  private func mark(_ map: UnsafePointer<Float>, _ layout: FrameLayout, _ finder: RegionFinder) {
    typealias Job = (map: UnsafePointer<Float>, layout: FrameLayout, finder: RegionFinder, threshold: Float)
    let job: Job = (map, layout, finder, thresholds.pixelThreshold)
    withUnsafePointer(to: job) { job in
      workers.run(parts: (finder.height &+ 15) / 16, context: job) { context, band, _ in
        let job = context.assumingMemoryBound(to: Job.self).pointee
        let rows = 16 &* band..<min(16 &* band &+ 16, job.finder.height)
        job.finder.mark(rows: rows, of: job.map, above: job.threshold) { x, y in
          job.layout.isInside(frameX: x, frameY: y)
        }
      }
    }
  }

  /// As ``Calibration/lowPValue(_:)``; NaN also in another region than the calibration's. It is not inlined, since its
  /// copy of the calibration takes much of a small stack.
  @inline(never)
  func lowPValue(_ score: Float) -> Float {
    isInCalibratedRegion ? detector.calibration?.lowPValue(score) ?? .nan : .nan
  }

  /// Prepares ``finder`` for up to `limit` regions of frames of this size; allocates only for the largest frames so
  /// far. Fails with `.unsupported` or `.outOfMemory`.
  private func prepareFinder(width: Int, height: Int, limit: Int) throws(Failure) {
    if let finder { return try finder.fit(width: width, height: height, limit: limit) }
    finder = try RegionFinder(width: width, height: height, limit: limit)
  }
}
