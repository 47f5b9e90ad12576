import Basics
import CPNGShim
import Glibc

extension PNG {
  /// Writes 8-bit pixels as a PNG file: grey (`channels` 1), RGB (3) or RGBA (4), rows `stride` bytes apart. The file is
  /// written under a temporary name beside `path` and then renamed: a failure leaves what was there.
  ///
  /// Fails with `io` when it cannot be written, with `invalidArgument` for sides outside 1...65535, other channels, or a
  /// stride shorter than a row.
  package static func write(
    path: String, pixels: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, channels: Int
  ) throws(Failure) {
    try check(width: width, height: height, stride: stride, channels: channels)
    guard !path.utf8.contains(0) else { throw Failure(.io, "a path holds a NUL character") }
    var message = cpng_message()
    let status = cpng_write_file(
      path.pathBytes, pixels, UInt32(width), UInt32(height), stride, Int32(channels), &message)
    guard status == CPNG_SUCCESS else { throw Failure(status, message, path) }
  }

  /// The same in memory. Fails with `outOfMemory` too.
  package static func encode(
    pixels: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, channels: Int
  ) throws(Failure) -> [UInt8] {
    try check(width: width, height: height, stride: stride, channels: channels)
    var message = cpng_message()
    var bytes: UnsafeMutablePointer<UInt8>?
    var size = 0
    let status = cpng_write_memory(
      &bytes, &size, pixels, UInt32(width), UInt32(height), stride, Int32(channels), &message)
    defer { free(bytes) }
    guard status == CPNG_SUCCESS, let bytes else { throw Failure(status, message, "PNG image in memory") }
    return Array(UnsafeBufferPointer(start: bytes, count: size))
  }

  private static func check(width: Int, height: Int, stride: Int, channels: Int) throws(Failure) {
    let sides = 1...maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the image size \(width)x\(height) is not within \(sides) pixels")
    }
    guard channels == 1 || channels == 3 || channels == 4 else {
      throw Failure(.invalidArgument, "a PNG file has 1, 3 or 4 channels, not \(channels)")
    }
    guard stride >= width * channels, checkedProduct([stride, height]) != nil else {
      throw Failure(.invalidArgument, "the stride \(stride) does not suit \(height) rows of \(width * channels) bytes")
    }
  }
}
