import Basics

/// An 8-bit image that owns its pixels: height x width x (1 or 3) bytes, rows without gaps.
package struct Picture: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// One byte a pixel, not R, G, B.
  package let isGray: Bool
  package let pixels: [UInt8]

  package init(width: Int, height: Int, isGray: Bool, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.isGray = isGray
    self.pixels = pixels
  }

  /// The image as a frame, for the time of the call.
  package func withFrame<Result>(_ body: (Frame) throws(Failure) -> Result) throws(Failure) -> Result {
    try pixels.withUnsafeBufferPointer { buffer throws(Failure) in
      let format: PixelFormat = isGray ? .gray8 : .rgb8
      guard let base = buffer.baseAddress, let count = checkedProduct([width, height, format.bytesPerPixel]),
        buffer.count >= count
      else { throw Failure(.format, "the image has fewer pixels than \(width) x \(height)") }
      return try body(
        Frame(base: base, width: width, height: height, stride: width * format.bytesPerPixel, format: format))
    }
  }
}
