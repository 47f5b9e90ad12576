import Basics
import Flows
import Imaging
import Kernels

/// The first half of scoring: from a frame, or a tile of one, to the log-likelihood of every position. Scratch memory
/// for one call at a time.
package final class LikelihoodSession {
  package let detector: Detector
  /// log p / C of the last frame: the levels' grids one after the other, finest first.
  package var logLikelihoods: UnsafePointer<Float> { UnsafePointer(likelihoods.base) }
  let encoder: FrameEncoder
  private let flow: FlowSession
  private let likelihoods: FloatBuffer

  /// - Parameters:
  ///   - encoder: one that serves the detector.
  ///   - workers: what shares the work; nobody else may use it meanwhile.
  init(_ detector: Detector, encoder: FrameEncoder, workers: Workers) throws(Failure) {
    self.detector = detector
    self.encoder = encoder
    flow = try FlowSession(detector.flows, workers: workers)
    likelihoods = try FloatBuffer(count: detector.positionCount)
  }

  private init(_ detector: Detector, with other: LikelihoodSession) {
    self.detector = detector
    encoder = other.encoder
    flow = other.flow
    likelihoods = other.likelihoods
  }

  /// A session of the detector with another calibration, in the same memory.
  func calibrated(_ calibration: Calibration) -> LikelihoodSession {
    LikelihoodSession(Detector(detector, calibration: calibration), with: self)
  }

  /// Computes ``logLikelihoods`` and ``features(_:)`` of a frame.
  ///
  /// - Parameters:
  ///   - isEncoded: the encoder ran this frame last, for another detector.
  ///   - clock: is told when a stage has ended.
  func run(_ frame: Frame, isEncoded: Bool, _ clock: StageClock?) throws(Failure) {
    if !isEncoded { try encoder.run(frame, clock) }
    runFlows(clock)
  }

  /// The same for an image that has the network's size already: height x width RGB8.
  func run(resized pixels: UnsafePointer<UInt8>, _ clock: StageClock?) {
    encoder.run(resized: pixels, clock)
    runFlows(clock)
  }

  private func runFlows(_ clock: StageClock?) {
    flow.logLikelihoods(features: { encoder.features($0) }, into: likelihoods.base)
    clock?(.flows)
  }

  /// The last frame's features of a level: positions x C.
  package func features(_ level: Int) -> UnsafePointer<Float> { encoder.features(level) }
}
