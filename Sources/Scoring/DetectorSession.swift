import Basics
import Imaging
import Kernels

/// Scores frames with a calibrated detector, one call at a time. A frame's numbers depend on nothing but the detector
/// and the frame.
package final class DetectorSession {
  package let likelihoods: LikelihoodSession
  /// What scores are judged by.
  package let judge: Judge
  package var detector: Detector { likelihoods.detector }
  /// The last frame's anomaly map at network size: height x width.
  package var map: UnsafePointer<Float> { UnsafePointer(mapBuffer.base) }
  private let anomalyMap: AnomalyMap
  private let mapBuffer: FloatBuffer
  private var resampler: MapResampler

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
    anomalyMap = try AnomalyMap(width: width, height: height, levels: detector.levels)
    mapBuffer = try FloatBuffer(count: width * height)
    resampler = MapResampler(width: width, height: height)
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
}
