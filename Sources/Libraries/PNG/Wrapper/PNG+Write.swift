import Basics
import CPNGShim

extension PNG {
  /// Writes 8-bit pixels as a PNG file: grey (`channels` 1), RGB (3) or RGBA (4), rows `stride` bytes apart. After a
  /// failure the old file is still there, as with ``AtomicFile``.
  ///
  /// Fails with `io` when it cannot be written, with `invalidArgument` for sides outside 1...65535, other channels, or
  /// a stride shorter than a row, with `outOfMemory`.
  package static func write(
    path: String, pixels: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, channels: Int
  ) throws(Failure) {
    try check(width: width, height: height, stride: stride, channels: channels)
    guard !path.isEmpty, !path.utf8.contains(0) else { throw Failure(.io, "a path is empty or holds a NUL character") }
    let replacement = try AtomicFile(of: path)
    let bytes = try memory(pixels, width: width, height: height, stride: stride, channels: channels, name: path)
    defer { free(bytes.baseAddress) }
    try replacement.write(UnsafeRawBufferPointer(bytes), outlastsPowerFailure: false)
  }

  /// Makes the bytes of a PNG file. Fails with `outOfMemory` too.
  package static func encode(
    pixels: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, channels: Int
  ) throws(Failure) -> [UInt8] {
    try check(width: width, height: height, stride: stride, channels: channels)
    let bytes = try memory(
      pixels, width: width, height: height, stride: stride, channels: channels, name: "PNG image in memory")
    defer { free(bytes.baseAddress) }
    return Array(bytes)
  }

  /// An image in memory from `malloc`.
  private static func memory(
    _ pixels: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int, channels: Int, name: String
  ) throws(Failure) -> UnsafeMutableBufferPointer<UInt8> {
    var message = cpng_message()
    var bytes: UnsafeMutablePointer<UInt8>?
    var size = 0
    let status = cpng_write_memory(
      &bytes, &size, pixels, UInt32(width), UInt32(height), stride, Int32(channels), &message)
    guard status == CPNG_SUCCESS, let bytes else {
      free(bytes)
      throw Failure(status, message, name)
    }
    return UnsafeMutableBufferPointer(start: bytes, count: size)
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
