import Basics
import Execution
import Flows
import Imaging

/// Computes a frame's score, maps, regions and verdict from its pixels. There is no other way to them. It holds scratch
/// memory for one call at a time, and allocates nothing for frames of a size seen lately, once all that is requested of
/// them was requested before. The numbers depend on the detector and the frame alone.
package final class FrameScorer {
  package let detector: Detector
  /// The thresholds that scores are judged by.
  package private(set) var thresholds: DecisionThresholds
  private let calibratedThresholds: DecisionThresholds
  /// Whether frames are scored in the calibration's region.
  private var isInCalibratedRegion = true
  /// Called at the end of each stage, to measure its time.
  package var stageEnded: StageObserver?
  /// Is told the score of every frame, as long as they are scored in the calibration's region.
  package var watch: LineWatch?
  private let workers: Workers
  /// The calibration's constants, kept apart because a copy of the whole calibration takes much of a small stack; nil
  /// without a calibration.
  private let constants: (levelMaxima: [Double], total: Double)?

  // What a frame goes through, in this order.
  private var layouts: FrameLayouts
  let resizer: Resizer
  /// height x width RGB8: a tile at the network's size.
  private let pixels: Buffer<UInt8>
  package let encoder: TileEncoder
  private let flows: FlowSession
  private let likelihoods: FloatBuffer
  private let anomalyMap: AnomalyMap
  private let frameMap: FrameMap

  /// What takes several tiles at a time from pixels to log-likelihoods, made when it is first needed.
  private var batch: TileBatch?
  /// The current frame's layout; nil before the first frame.
  private var layout: FrameLayout?
  private var request = FrameRequest()
  /// What the current frame's map comes to; nil as long as tiles are missing, and always without a calibration.
  private var summary: AnomalyMap.Summary?

  /// - Parameters:
  ///   - thresholds: instead of the detector's own.
  ///   - threadCount: threads that share the work, the calling one included; 0 for one per processor.
  package convenience init(
    _ detector: Detector, thresholds: DecisionThresholds? = nil, threadCount: Int = 0
  ) throws(Failure) {
    try self.init(detector, thresholds: thresholds, workers: Workers(count: threadCount))
  }

  /// - Parameter workers: share the work; nobody else may use them meanwhile.
  package convenience init(
    _ detector: Detector, thresholds: DecisionThresholds? = nil, workers: Workers
  ) throws(Failure) {
    try self.init(
      detector, thresholds ?? DecisionThresholds(detector.calibration), workers, encodingWith: nil, flows: nil)
  }

  /// - Parameters:
  ///   - other: another scorer with the same workers, whose encoder computes the features that this detector needs
  ///     (``encodes(for:)``). The two share memory, so use one at a time.
  ///   - flows: a session of the detector's flows; nil for a new one.
  init(
    _ detector: Detector, _ thresholds: DecisionThresholds, _ workers: Workers, encodingWith other: FrameScorer?,
    flows: FlowSession? = nil
  ) throws(Failure) {
    let preprocessing = detector.preprocessing
    self.detector = detector
    self.workers = workers
    self.thresholds = thresholds
    calibratedThresholds = thresholds
    constants = detector.calibration.map { ($0.levelMaxima, $0.total) }
    if let other {
      (resizer, pixels, encoder) = (other.resizer, other.pixels, other.encoder)
    } else {
      resizer = try preprocessing.resizer(workers)
      pixels = try Buffer(count: 3 * preprocessing.width * preprocessing.height)
      encoder = try TileEncoder(detector.encoder, preprocessing, workers: workers)
    }
    self.flows = if let flows { flows } else { try FlowSession(detector.flows, workers: workers) }
    likelihoods = try FloatBuffer(count: detector.positionCount)
    anomalyMap = try AnomalyMap(detector, workers: workers)
    layouts = FrameLayouts(preprocessing, anomalyMap.upsampler, region: detector.calibration?.regionOfInterest)
    frameMap = FrameMap(workers: workers)
  }

  /// A scorer of the same detector with another calibration, which shares memory and threads with this one: use one of
  /// the two at a time.
  package func calibrated(_ calibration: Calibration) throws(Failure) -> FrameScorer {
    try FrameScorer(
      Detector(detector, calibration: calibration), DecisionThresholds(calibration), workers, encodingWith: self,
      flows: flows)
  }

  /// Whether this computes the features that another detector needs.
  func encodes(for other: Detector) -> Bool {
    detector.encoder === other.encoder && detector.preprocessing == other.preprocessing
  }

  /// Sets the region of interest for the frames that follow; nil for that of the calibration. In another region good
  /// frames may score lower than those of the calibration did, so that low scores and high means are not strange there.
  package func setRegionOfInterest(_ region: RegionOfInterest?) {
    let calibrated = detector.calibration?.regionOfInterest
    layouts = FrameLayouts(detector.preprocessing, anomalyMap.upsampler, region: region ?? calibrated)
    isInCalibratedRegion = region?.isEqual(to: calibrated) ?? true
    thresholds = isInCalibratedRegion ? calibratedThresholds : calibratedThresholds.withoutStrangeness
  }

  /// The last frame's anomaly map at the network's scale: height x width of its layout.
  var map: UnsafePointer<Float> { anomalyMap.values }
  /// log p / C of the last tile that went through alone: the levels' grids one after the other, finest first.
  package var logLikelihoods: UnsafePointer<Float> { UnsafePointer(likelihoods.base) }

  /// Scores a frame. Fails with `.bufferTooSmall` for too little room, before anything is written; with `.diverged`
  /// when a log-likelihood or the score is not finite; with `.notCalibrated` when a score is wanted from a detector
  /// without calibration; and with `.outOfMemory`, for a frame of a new size, or one of which more is requested than before.
  package func score(_ frame: Frame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    let layout = try layout(width: frame.width, height: frame.height, request)
    if layout.tiles.count > 1, let batch = tileBatch() { return try score(frame, layout, request, in: batch) }
    begin(layout, request)
    for tile in 0..<layout.tiles.count { try run(tile: tile, of: frame) }
    return try finish()
  }

  /// Scores a frame that was resized before.
  package func score(_ frame: PreparedFrame, _ request: FrameRequest = FrameRequest()) throws(Failure) -> FrameResult {
    begin(try layout(width: frame.width, height: frame.height, request), request)
    for (tile, picture) in frame.pictures.enumerated() {
      try picture.withUnsafeBufferPointer { (pixels) throws(Failure) in
        if let pixels = pixels.baseAddress { try run(tile: tile, resized: pixels) }
      }
    }
    return try finish()
  }

  /// What computes several tiles at a time; nil with one thread, and where the stages' times are measured. Where there is no
  /// memory for it tiles are computed one after the other.
  func tileBatch() -> TileBatch? {
    guard workers.count > 1, stageEnded == nil else { return nil }
    if batch == nil { batch = try? TileBatch(detector, workers: workers) }
    return batch
  }

  // MARK: Step by step, for detectors that share an encoder, and for batches

  /// The layout of frames of a size, if the caller's arrays have room for what is requested.
  func layout(width: Int, height: Int, _ request: FrameRequest) throws(Failure) -> FrameLayout {
    let layout = try layouts.layout(frameWidth: width, frameHeight: height)
    try request.checkRoom(detector, layout.tiles, frameWidth: width, frameHeight: height)
    return layout
  }

  func begin(_ layout: FrameLayout, _ request: FrameRequest) {
    (self.layout, self.request, summary) = (layout, request, nil)
  }

  /// The number of tiles of the frame that was begun.
  var tileCount: Int { layout?.tiles.count ?? 0 }

  /// Takes a tile from its pixels to the map. To be called once for each tile, in order.
  ///
  /// - Parameter isEncoded: whether the encoder has just run this tile for another detector.
  func run(tile: Int, of frame: Frame, isEncoded: Bool = false) throws(Failure) {
    guard let layout else { return }
    if isEncoded { return try takeEncoded(tile) }
    try resizer.resize(frame.part(layout.tiles.rectangle(tile)), into: pixels.base)
    stageEnded?(.resize)
    try run(tile: tile, resized: pixels.base)
  }

  /// Takes a tile that has the network's size already to the map: height x width RGB8.
  func run(tile: Int, resized pixels: UnsafePointer<UInt8>) throws(Failure) {
    encoder.run(pixels, stageEnded)
    try takeEncoded(tile)
  }

  /// Takes the tile whose features the encoder computed last to the map.
  private func takeEncoded(_ tile: Int) throws(Failure) {
    encoder.copyFeatures(tile: tile, to: request)
    flows.logLikelihoods(features: encoder.features, into: likelihoods.base)
    stageEnded?(.flows)
    try take(tile, logLikelihoods: logLikelihoods)
  }

  /// Checks a tile's log-likelihoods, copies them if they are wanted, and adds them to the map.
  func take(_ tile: Int, logLikelihoods: UnsafePointer<Float>) throws(Failure) {
    let count = detector.positionCount
    guard allFinite(logLikelihoods, count: count) else {
      throw Failure(.diverged, "the network's output is not finite: its weights do not fit each other or the input")
    }
    if let room = request.logLikelihoods { (room.base + tile &* count).update(from: logLikelihoods, count: count) }
    guard request.wantsScore, let constants, let layout else { return }
    summary = try anomalyMap.take(
      tile: tile, of: layout, logLikelihoods: logLikelihoods, levelMaxima: constants.levelMaxima,
      total: constants.total)
    stageEnded?(.map)
  }

  /// The result, once all tiles were run. To be called once a frame.
  func finish() throws(Failure) -> FrameResult {
    var result = FrameResult(detector: detector, thresholds: thresholds)
    guard request.wantsScore, let layout else { return result }
    guard let summary else {
      throw Failure(.notCalibrated, "the model is not calibrated: it gives log-likelihoods, but no score")
    }
    guard summary.maximum.isFinite else {
      throw Failure(.diverged, "the score is not finite: the calibration does not fit the model")
    }
    result.score = summary.maximum
    result.mapMean = summary.mean
    result.verdict = thresholds.verdict(result.score, mean: result.mapMean)
    result.pValue = result.pValue(of: result.score)
    result.lowPValue = lowPValue(result.score)
    request.map?.base.update(from: map, count: layout.count)
    (result.frameMap, result.regions) = try frameMap.run(map, layout, request, thresholds, stageEnded)
    if isInCalibratedRegion { try watch?.add(result.score) }
    return result
  }

  /// The p-value for low scores, NaN in another region than the calibration's. It is not inlined, since its copy of the calibration
  /// takes much of a small stack.
  @inline(never)
  func lowPValue(_ score: Float) -> Float {
    isInCalibratedRegion ? detector.calibration?.lowPValue(score) ?? .nan : .nan
  }
}
