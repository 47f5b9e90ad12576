import Basics
import CPNGShim
import Glibc
import Imaging

extension PNG {
  /// Size of a file's image, and whether reading it gives grey; from its header alone. Errors: see ``read(path:)``.
  package static func readInfo(path: String) throws(Failure) -> (width: Int, height: Int, isGray: Bool) {
    let reader = try Reader(path: path)
    return (reader.width, reader.height, reader.channels == 1)
  }

  /// Reads a file of any kind: 1 to 16 bits, grey, palette, RGB, alpha, interlaced. Grey stays grey, all else becomes
  /// RGB. 16-bit samples are scaled to 8 and rounded; alpha and transparent colours are dropped, not composed.
  ///
  /// Fails with `io` when the file cannot be read, with `format` when it is damaged, cut short, no PNG image, or larger
  /// than 65535 pixels a side or 2^28 pixels, with `outOfMemory` when there is no memory for the pixels.
  package static func read(path: String) throws(Failure) -> Picture { try image(Reader(path: path)) }

  /// Reads an image in memory, like ``read(path:)``.
  package static func read(bytes: UnsafeRawBufferPointer) throws(Failure) -> Picture {
    try image(Reader(bytes: bytes))
  }

  /// Reads a file, like ``read(path:)``, into the caller's memory: height x width x (1 or 3) bytes. Fails with
  /// `bufferTooSmall` when they do not fit. After another failure the memory may have been written to.
  package static func read(path: String, into pixels: UnsafeMutableRawBufferPointer) throws(Failure) {
    let reader = try Reader(path: path)
    guard let base = pixels.baseAddress, pixels.count >= reader.byteCount else {
      throw Failure(
        .bufferTooSmall, "\(path): the image has \(reader.byteCount) bytes, which do not fit \(pixels.count)")
    }
    try reader.read(into: base.assumingMemoryBound(to: UInt8.self))
  }

  private static func image(_ reader: Reader) throws(Failure) -> Picture {
    // An array that cannot be allocated ends the process: ask first.
    guard let memory = malloc(reader.byteCount) else {
      throw Failure(.outOfMemory, "\(reader.name): no memory for \(reader.byteCount) bytes of pixels")
    }
    free(memory)
    var failure: Failure?
    let pixels = [UInt8](unsafeUninitializedCapacity: reader.byteCount) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      do throws(Failure) {
        try reader.read(into: base)
        count = reader.byteCount
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return Picture(width: reader.width, height: reader.height, isGray: reader.channels == 1, pixels: pixels)
  }
}

/// An image whose header has been read.
private final class Reader {
  /// What messages call it.
  let name: String
  let width: Int
  let height: Int
  let channels: Int
  private let handle: OpaquePointer

  convenience init(path: String) throws(Failure) {
    guard !path.utf8.contains(0) else { throw Failure(.io, "a path holds a NUL character") }
    try self.init(name: path) { reader, message in cpng_open_file(path, &reader, &message) }
  }

  convenience init(bytes: UnsafeRawBufferPointer) throws(Failure) {
    try self.init(name: "PNG image in memory") { reader, message in
      cpng_open_memory(bytes.baseAddress, bytes.count, &reader, &message)
    }
  }

  private init(name: String, open: (inout OpaquePointer?, inout cpng_message) -> cpng_status) throws(Failure) {
    var message = cpng_message()
    var reader: OpaquePointer?
    let status = open(&reader, &message)
    guard let handle = reader else { throw Failure(status, message, name) }
    self.name = name
    self.handle = handle
    width = Int(cpng_width(handle))
    height = Int(cpng_height(handle))
    channels = Int(cpng_channels(handle))
  }

  deinit { cpng_close(handle) }

  /// At most 3 * 2^28.
  var byteCount: Int { width * height * channels }

  func read(into pixels: UnsafeMutablePointer<UInt8>) throws(Failure) {
    var message = cpng_message()
    let status = cpng_read(handle, pixels, &message)
    guard status == CPNG_SUCCESS else { throw Failure(status, message, name) }
  }
}
