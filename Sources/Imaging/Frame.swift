import Basics

/// A borrowed view of an image in the caller's memory: rows of interleaved pixels, the first row first. It must not
/// outlive the call it was given to.
package struct Frame {
  package let base: UnsafePointer<UInt8>
  /// Pixels.
  package let width: Int
  /// Rows.
  package let height: Int
  /// Bytes from one row to the next.
  package let stride: Int
  package let format: PixelFormat

  /// Largest width and height: `CFLOWAD_MAX_FRAME_SIDE`.
  package static let maximumSide = 65535

  /// Fails with `invalidArgument` for sides outside 1...65535, for a stride shorter than a row, and when
  /// stride * height does not fit an `Int`.
  package init(
    base: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, format: PixelFormat
  ) throws(Failure) {
    let sides = 1...Self.maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the frame size \(width) x \(height) is not within \(sides) pixels")
    }
    guard stride >= width * format.bytesPerPixel else {
      throw Failure(
        .invalidArgument, "the stride \(stride) is shorter than a row of \(width * format.bytesPerPixel) bytes")
    }
    guard !stride.multipliedReportingOverflow(by: height).overflow else {
      throw Failure(.invalidArgument, "\(height) rows with a stride of \(stride) bytes do not fit the address space")
    }
    self.base = base
    self.width = width
    self.height = height
    self.stride = stride
    self.format = format
  }

  /// First pixel of row `y`.
  @inline(__always)
  package func row(_ y: Int) -> UnsafePointer<UInt8> { base + y &* stride }
}
