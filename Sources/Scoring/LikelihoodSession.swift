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

  /// - Parameter threadCount: threads that share the work, the calling one included; 0 for one per processor.
  package convenience init(_ detector: Detector, threadCount: Int = 0) throws(Failure) {
    try self.init(detector, workers: Workers(count: threadCount))
  }

  /// - Parameter workers: what shares the work; nobody else may use it meanwhile.
  package convenience init(_ detector: Detector, workers: Workers) throws(Failure) {
    try self.init(detector, encoder: FrameEncoder(detector, workers: workers), workers: workers)
  }

  /// - Parameter encoder: one that serves the detector.
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
  /// - Parameter isEncoded: the encoder ran this frame last, for another detector.
  package func run(_ frame: Frame, isEncoded: Bool = false) throws(Failure) {
    if !isEncoded { try encoder.run(frame) }
    runFlows()
  }

  /// The same for an image that has the network's size already: height x width RGB8.
  package func run(resized pixels: UnsafePointer<UInt8>) {
    encoder.run(resized: pixels)
    runFlows()
  }

  /// The same in memory of its own.
  func run(resized picture: [UInt8]) {
    picture.withUnsafeBufferPointer { pixels in
      if let pixels = pixels.baseAddress { run(resized: pixels) }
    }
  }

  private func runFlows() { flow.logLikelihoods(features: { encoder.features($0) }, into: likelihoods.base) }

  /// The last frame's features of a level: positions x C.
  package func features(_ level: Int) -> UnsafePointer<Float> { encoder.features(level) }

  /// Fails with `.diverged` when a log-likelihood of the last frame is not finite.
  func checkFinite() throws(Failure) {
    guard allFinite(likelihoods.base, count: likelihoods.count) else {
      throw Failure(.diverged, "the network's output is not finite: its weights do not fit each other or the input")
    }
  }
}
