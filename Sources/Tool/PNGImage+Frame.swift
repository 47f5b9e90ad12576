import Basics
import Imaging
import PNG

extension PNGImage {
  /// The image as a frame, for the time of the call.
  func withFrame<Result>(_ body: (Frame) throws(Failure) -> Result) throws(Failure) -> Result {
    try pixels.withUnsafeBufferPointer { buffer throws(Failure) in
      guard let base = buffer.baseAddress else { throw Failure(.format, "the image is empty") }
      let format: PixelFormat = isGray ? .gray8 : .rgb8
      return try body(
        Frame(base: base, width: width, height: height, stride: width * format.bytesPerPixel, format: format))
    }
  }
}
