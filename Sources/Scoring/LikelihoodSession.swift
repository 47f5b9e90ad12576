import Basics
import Encoders
import Flows
import Imaging
import Kernels

/// The first half of scoring: from a frame to the log-likelihood of every position. Scratch memory for one call at a
/// time; a frame of a size seen before allocates nothing.
package final class LikelihoodSession {
  package let detector: Detector
  /// log p / C of the last frame: the levels' grids one after the other, finest first.
  package var logLikelihoods: UnsafePointer<Float> { UnsafePointer(likelihoods.base) }
  private let resizer: Resizer
  private let normalization: Normalization
  private let pixels: Buffer<UInt8>
  private let input: FloatBuffer
  private let encoder: EncoderSession
  private let flow: FlowSession
  private let likelihoods: FloatBuffer

  /// - Parameter threadCount: threads that share the work, the calling one included; 0 for one per processor.
  package init(_ detector: Detector, threadCount: Int = 0) throws(Failure) {
    let workers = try Workers(count: threadCount == 0 ? Workers.processorCount : threadCount)
    let (width, height) = (detector.preprocessing.width, detector.preprocessing.height)
    self.detector = detector
    pixels = try Buffer(count: 3 * width * height)
    resizer = try Resizer(width: width, height: height, window: detector.preprocessing.window)
    normalization = Normalization(detector.preprocessing)
    input = try FloatBuffer(count: 3 * width * height)
    encoder = try EncoderSession(detector.encoder, height: height, width: width, workers: workers)
    flow = try FlowSession(detector.flows, workers: workers)
    likelihoods = try FloatBuffer(count: detector.positionCount)
  }

  /// Computes ``logLikelihoods`` and ``features(_:)`` of a frame.
  package func run(_ frame: Frame) throws(Failure) {
    try resizer.resize(frame, into: pixels.base)
    run(resized: pixels.base)
  }

  /// The same for an image that has the network's size already: height x width RGB8.
  package func run(resized pixels: UnsafePointer<UInt8>) {
    let preprocessing = detector.preprocessing
    normalization.apply(pixels, pixelCount: preprocessing.width &* preprocessing.height, into: input.base)
    encoder.run(input.base)
    flow.logLikelihoods(features: { encoder.features($0) }, into: likelihoods.base)
  }

  /// The last frame's features of a level: positions x C.
  package func features(_ level: Int) -> UnsafePointer<Float> { encoder.features(level) }

  /// Whether all log-likelihoods of the last frame are finite.
  package var isFinite: Bool { allFinite(likelihoods.base, count: likelihoods.count) }
}
