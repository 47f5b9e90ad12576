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
  private let pixels: Buffer<UInt8>
  let tileEncoder: TileEncoder

  init(_ detector: Detector, workers: Workers) throws(Failure) {
    encoder = detector.encoder
    preprocessing = detector.preprocessing
    pixels = try Buffer(count: 3 * preprocessing.width * preprocessing.height)
    resizer = try preprocessing.resizer(workers)
    tileEncoder = try TileEncoder(encoder, preprocessing, workers: workers)
  }

  /// Whether this gives the features that a detector needs.
  func serves(_ detector: Detector) -> Bool {
    encoder === detector.encoder && preprocessing == detector.preprocessing
  }

  /// Computes ``features(_:)`` of a frame.
  func run(_ frame: Frame, _ clock: StageClock?) throws(Failure) {
    try resize(frame, into: pixels.base)
    clock?(.resize)
    run(resized: pixels.base, clock)
  }

  /// Brings a frame to the network's size: height x width RGB8.
  func resize(_ frame: Frame, into pixels: UnsafeMutablePointer<UInt8>) throws(Failure) {
    try resizer.resize(frame, into: pixels)
  }

  /// The same for an image that has the network's size already: height x width RGB8.
  func run(resized pixels: UnsafePointer<UInt8>, _ clock: StageClock?) { tileEncoder.run(pixels, clock) }

  /// The last frame's features of a level: positions x C.
  func features(_ level: Int) -> UnsafePointer<Float> { tileEncoder.features(level) }
}

/// What an encoder takes in place of pixels: the pixels themselves, if it computes in 8 bits, else their normalised values.
package struct EncoderInput {
  private let normalization: Normalization
  private let width: Int
  private let height: Int
  private let workers: Workers
  /// nil for an encoder of 8 bits.
  private let values: FloatBuffer?

  package init(_ preprocessing: Preprocessing, for encoder: Encoder, _ workers: Workers) throws(Failure) {
    normalization = Normalization(preprocessing)
    (width, height, self.workers) = (preprocessing.width, preprocessing.height, workers)
    values = encoder.description.precision == .int8 ? nil : try FloatBuffer(count: 3 * width * height)
  }

  /// The image for the encoder, valid until the next call and as long as the pixels.
  package func image(_ pixels: UnsafePointer<UInt8>) -> UnsafeRawPointer {
    guard let values else { return UnsafeRawPointer(pixels) }
    normalization.apply(pixels, width: width, height: height, into: values.base, workers)
    return UnsafeRawPointer(values.base)
  }
}
