import Basics
import Encoders
import Execution
import Imaging

/// Makes an encoder's input of pixels: the pixels themselves for an encoder of 8 bits, otherwise their normalised values.
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
