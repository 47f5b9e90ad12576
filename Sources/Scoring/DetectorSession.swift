import Basics
import Imaging
import Kernels
import Segmentation

/// Scores frames with a calibrated detector, one call at a time. A frame's numbers depend on nothing but the detector
/// and the frame.
package final class DetectorSession {
  package let likelihoods: LikelihoodSession
  /// What scores are judged by: within the region of the calibration as it was given.
  package private(set) var judge: Judge
  private let calibratedJudge: Judge
  /// Mean of the last frame's map, within the region.
  package private(set) var mapMean = Float.nan
  package var detector: Detector { likelihoods.detector }
  /// The last frame's anomaly map at the network's scale: height x width of its layout.
  package var map: UnsafePointer<Float> { anomalyMap.values }
  private var anomalyMap: AnomalyMap
  /// For the largest frames for which they were asked.
  private var finder: RegionFinder?
  private var frameMap: FloatBuffer?

  /// - Parameters:
  ///   - judge: instead of one with the detector's own thresholds.
  ///   - threadCount: as for ``LikelihoodSession``.
  package convenience init(_ detector: Detector, judge: Judge? = nil, threadCount: Int = 0) throws(Failure) {
    let likelihoods = try LikelihoodSession(detector, threadCount: threadCount)
    try self.init(likelihoods, judge: judge ?? Judge(detector.calibration))
  }

  /// - Parameter encoder: one that serves the detector.
  convenience init(_ detector: Detector, judge: Judge, encoder: FrameEncoder, workers: Workers) throws(Failure) {
    try self.init(LikelihoodSession(detector, encoder: encoder, workers: workers), judge: judge)
  }

  private init(_ likelihoods: LikelihoodSession, judge: Judge) throws(Failure) {
    let detector = likelihoods.detector
    self.likelihoods = likelihoods
    self.judge = judge
    calibratedJudge = judge
    anomalyMap = try AnomalyMap(detector, region: detector.calibration?.regionOfInterest)
  }

  /// Goes on with the memory and threads of another session, of the same detector before it was calibrated: use one of
  /// the two at a time.
  package convenience init(_ likelihoods: LikelihoodSession, calibration: Calibration) throws(Failure) {
    try self.init(likelihoods.calibrated(calibration), judge: Judge(calibration))
  }

  /// Scores the frames that follow, and finds their regions, within a region of interest; nil for the detector's own,
  /// that of its calibration. In another one good frames may well score lower than the calibration's did, so that there
  /// low scores are not strange, nor are high means.
  package func setRegionOfInterest(_ region: RegionOfInterest?) throws(Failure) {
    let calibrated = detector.calibration?.regionOfInterest
    anomalyMap = try AnomalyMap(detector, region: region ?? calibrated)
    isInCalibratedRegion = region?.isEqual(to: calibrated) ?? true
    judge = isInCalibratedRegion ? calibratedJudge : calibratedJudge.withoutStrangeness
  }

  /// Whether frames are scored where the calibration's were.
  private var isInCalibratedRegion = true

  /// As ``Calibration/lowPValue(_:)``; NaN also within another region than the calibration's.
  package func lowPValue(_ score: Float) -> Float {
    isInCalibratedRegion ? detector.calibration?.lowPValue(score) ?? .nan : .nan
  }

  /// The tiles of a frame, and its maps: as ``AnomalyMap/layout(frameWidth:frameHeight:)``.
  package func layout(for frame: Frame) throws(Failure) -> MapLayout {
    try anomalyMap.layout(frameWidth: frame.width, frameHeight: frame.height)
  }

  /// Encodes a tile of a frame, computes its log-likelihoods, and adds them to the map of a calibrated detector. Every
  /// tile once, in their order; fails with `.diverged` when a log-likelihood is not finite.
  ///
  /// - Parameter isEncoded: as for ``LikelihoodSession/run(_:isEncoded:)``.
  package func run(
    tile: Int, of frame: Frame, _ layout: MapLayout, isEncoded: Bool = false
  ) throws(Failure) {
    try likelihoods.run(frame.part(layout.tiles.rectangle(tile)), isEncoded: isEncoded)
    try add(tile, layout)
  }

  /// Adds the tile that was run last to the map.
  private func add(_ tile: Int, _ layout: MapLayout) throws(Failure) {
    try likelihoods.checkFinite()
    guard let calibration = detector.calibration else { return }
    anomalyMap.add(
      tile: tile, of: layout, logLikelihoods: likelihoods.logLikelihoods, levelMaxima: calibration.levelMaxima)
  }

  /// The image score of the frame whose tiles were run, which makes ``map``. Once a frame.
  package func computeScore(_ layout: MapLayout) throws(Failure) -> Float {
    guard let calibration = detector.calibration else {
      throw Failure(.notCalibrated, "the model is not calibrated: it gives log-likelihoods, but no score")
    }
    let summary = anomalyMap.invert(layout, total: calibration.total)
    guard summary.maximum.isFinite else {
      throw Failure(.diverged, "the score is not finite: the calibration does not fit the model")
    }
    mapMean = summary.mean
    return summary.maximum
  }

  /// All of it: the image score of a frame, and ``map``.
  package func score(_ frame: Frame) throws(Failure) -> Float {
    let layout = try layout(for: frame)
    for tile in 0..<layout.tiles.count { try run(tile: tile, of: frame, layout) }
    return try computeScore(layout)
  }

  /// The same of a frame that was resized before.
  package func score(_ frame: PreparedFrame) throws(Failure) -> Float {
    let layout = try anomalyMap.layout(frameWidth: frame.width, frameHeight: frame.height)
    for (tile, picture) in frame.pictures.enumerated() {
      likelihoods.run(resized: picture)
      try add(tile, layout)
    }
    return try computeScore(layout)
  }

  /// What finds up to `limit` regions of frames of this size, and keeps them until the next ones; allocates for the
  /// largest frames so far. Fails with `.unsupported` or `.outOfMemory`.
  package func regionFinder(for frame: Frame, limit: Int) throws(Failure) -> RegionFinder {
    if let finder {
      try finder.fit(width: frame.width, height: frame.height, limit: limit)
      return finder
    }
    let finder = try RegionFinder(width: frame.width, height: frame.height, limit: limit)
    self.finder = finder
    return finder
  }

  /// Room for a map at the frame's size; allocates for the largest frames so far.
  package func frameMap(for frame: Frame) throws(Failure) -> UnsafeMutablePointer<Float> {
    let count = frame.width * frame.height
    if let frameMap, frameMap.count >= count { return frameMap.base }
    let values = try FloatBuffer(count: count)
    frameMap = values
    return values.base
  }

  /// Finds the last frame's regions in its map at the frame's size, and gives their number.
  package func findRegions(_ finder: RegionFinder, in frameMap: UnsafePointer<Float>, _ layout: MapLayout) -> Int {
    finder.find(in: frameMap, above: judge.pixelThreshold, filter: judge.regionFilter) { x, y in
      layout.isInside(frameX: x, frameY: y)
    }
  }
}
