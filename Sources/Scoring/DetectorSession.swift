import Basics
import Imaging
import Kernels
import Segmentation

/// Scores frames with a calibrated detector, one call at a time. A frame's numbers depend on nothing but the detector
/// and the frame.
package final class DetectorSession {
  package let likelihoods: LikelihoodSession
  /// What scores are judged by.
  package let judge: Judge
  package var detector: Detector { likelihoods.detector }
  /// The last frame's anomaly map at network size: height x width.
  package var map: UnsafePointer<Float> { UnsafePointer(mapBuffer.base) }
  /// Within which frames are scored and regions found; the detector's own, that of its calibration, unless set.
  package private(set) var regionOfInterest: RegionOfInterest?
  private var anomalyMap: AnomalyMap
  private let mapBuffer: FloatBuffer
  private var resampler: MapResampler
  /// For frames of the last size for which they were asked.
  private var finder: RegionFinder?
  private var frameMap: (width: Int, height: Int, values: FloatBuffer)?

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
    let (width, height) = (detector.preprocessing.width, detector.preprocessing.height)
    self.likelihoods = likelihoods
    self.judge = judge
    regionOfInterest = detector.calibration?.regionOfInterest
    anomalyMap = try AnomalyMap(
      width: width, height: height, levels: detector.levels, region: regionOfInterest)
    mapBuffer = try FloatBuffer(count: width * height)
    resampler = MapResampler(width: width, height: height)
  }

  /// Scores the frames that follow within a region of the network's size; nil for the detector's own.
  package func setRegionOfInterest(_ region: RegionOfInterest?) throws(Failure) {
    let region = region ?? detector.calibration?.regionOfInterest
    anomalyMap = try AnomalyMap(
      width: detector.preprocessing.width, height: detector.preprocessing.height, levels: detector.levels,
      region: region)
    regionOfInterest = region
  }

  /// Encodes the frame and computes its log-likelihoods; fails with `.diverged` when one is not finite.
  ///
  /// - Parameter isEncoded: as for ``LikelihoodSession/run(_:isEncoded:)``.
  package func computeLikelihoods(_ frame: Frame, isEncoded: Bool = false) throws(Failure) {
    try likelihoods.run(frame, isEncoded: isEncoded)
    guard likelihoods.isFinite else {
      throw Failure(.diverged, "the network's output is not finite: its weights do not fit each other or the input")
    }
  }

  /// The image score from the last log-likelihoods, which fills ``map``.
  package func computeScore() throws(Failure) -> Float {
    guard let calibration = detector.calibration else {
      throw Failure(.notCalibrated, "the model is not calibrated: it gives log-likelihoods, but no score")
    }
    anomalyMap.sum(
      logLikelihoods: likelihoods.logLikelihoods, levelMaxima: calibration.levelMaxima, into: mapBuffer.base)
    let score = anomalyMap.invert(mapBuffer.base, total: calibration.total)
    guard score.isFinite else {
      throw Failure(.diverged, "the score is not finite: the calibration does not fit the model")
    }
    return score
  }

  /// The last frame's map at the frame's size: height x width.
  package func resampleMap(to frame: Frame, into output: UnsafeMutablePointer<Float>) {
    resampler.resample(map, frameWidth: frame.width, frameHeight: frame.height, into: output)
  }

  /// What finds up to `limit` regions of frames of this size, and keeps them until the next ones; made anew when the size
  /// changes or more are wanted. Fails with `.unsupported` or `.outOfMemory`.
  package func regionFinder(for frame: Frame, limit: Int) throws(Failure) -> RegionFinder {
    if let finder, finder.width == frame.width, finder.height == frame.height, finder.holds(limit: limit) {
      return finder
    }
    let finder = try RegionFinder(width: frame.width, height: frame.height, limit: limit)
    self.finder = finder
    return finder
  }

  /// Room for a map at the frame's size; made anew when the size changes.
  package func frameMap(for frame: Frame) throws(Failure) -> UnsafeMutablePointer<Float> {
    if let frameMap, frameMap.width == frame.width, frameMap.height == frame.height { return frameMap.values.base }
    let values = try FloatBuffer(count: frame.width * frame.height)
    frameMap = (frame.width, frame.height, values)
    return values.base
  }

  /// Finds the last frame's regions in its map at the frame's size, and gives their number.
  package func findRegions(_ finder: RegionFinder, in frameMap: UnsafePointer<Float>) -> Int {
    finder.find(in: frameMap, above: judge.pixelThreshold, filter: judge.regionFilter) { x, y in
      regionOfInterest?.contains(x: x, y: y, ofWidth: finder.width, height: finder.height) ?? true
    }
  }
}
