import Basics
import Encoders
import Imaging
import Kernels

/// From a frame to an encoder's features: scratch memory for one call at a time, which detectors with the same encoder
/// and preprocessing share. A frame of a size seen lately allocates nothing.
package final class FrameEncoder {
  let encoder: Encoder
  let preprocessing: Preprocessing
  private let resizer: Resizer
  private let normalization: Normalization
  private let pixels: Buffer<UInt8>
  private let input: FloatBuffer
  private let session: EncoderSession
  private let workers: Workers

  init(_ detector: Detector, workers: Workers) throws(Failure) {
    self.workers = workers
    encoder = detector.encoder
    preprocessing = detector.preprocessing
    let (width, height) = (preprocessing.width, preprocessing.height)
    pixels = try Buffer(count: 3 * width * height)
    resizer = try preprocessing.resizer(workers)
    normalization = Normalization(preprocessing)
    input = try FloatBuffer(count: 3 * width * height)
    session = try EncoderSession(encoder, height: height, width: width, workers: workers)
  }

  /// Whether this gives the features that a detector needs.
  func serves(_ detector: Detector) -> Bool {
    encoder === detector.encoder && preprocessing == detector.preprocessing
  }

  /// Computes ``features(_:)`` of a frame.
  func run(_ frame: Frame, _ clock: StageClock?) throws(Failure) {
    try resizer.resize(frame, into: pixels.base)
    clock?(.resize)
    run(resized: pixels.base, clock)
  }

  /// The same for an image that has the network's size already: height x width RGB8.
  func run(resized pixels: UnsafePointer<UInt8>, _ clock: StageClock?) {
    normalization.apply(
      pixels, width: preprocessing.width, height: preprocessing.height, into: input.base, workers)
    clock?(.normalize)
    session.run(input.base)
    clock?(.encoder)
  }

  /// The last frame's features of a level: positions x C.
  func features(_ level: Int) -> UnsafePointer<Float> { session.features(level) }
}
