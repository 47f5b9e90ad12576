import Basics
import CPNGShim
import Imaging

extension PNG {
  /// How samples of 16 bits are read.
  package enum Depth {
    /// They are rounded to 8.
    case eight
    /// They stay, in the host's order.
    case stored
  }

  /// The shape of the picture that reading a file gives, from its header alone. Fails as ``read(path:depth:)``.
  package static func readShape(path: String, depth: Depth = .eight) throws(Failure) -> Picture.Shape {
    try Reader(path: path, depth.samples).shape
  }

  /// Reads a file of any kind: 1 to 16 bits, grey, palette, RGB, alpha, interlaced. Grey stays grey, all else becomes
  /// RGB. Alpha and transparent colours are dropped, not composed.
  ///
  /// Fails with `io` when the file cannot be read, with `format` when it is damaged, cut short, no PNG image, or larger
  /// than 65535 pixels a side or 2^28 pixels, with `outOfMemory` when there is no memory for the pixels.
  package static func read(path: String, depth: Depth = .eight) throws(Failure) -> Picture {
    try image(Reader(path: path, depth.samples))
  }

  /// The opacity of a file's pixels, 0 to 255, as a grey picture; nil when files of its kind are opaque.
  package static func readAlpha(path: String) throws(Failure) -> Picture? {
    let reader = try Reader(path: path, CPNG_WITH_ALPHA)
    guard reader.hasAlpha else { return nil }
    let all = try Buffer<UInt8>(count: reader.byteCount)
    try reader.read(into: all.base)
    return try Picture(Picture.Shape(width: reader.width, height: reader.height, isGray: true)) { alpha in
      for pixel in 0..<reader.width * reader.height {
        alpha[pixel] = all.base[(pixel + 1) * reader.channels - 1]
      }
    }
  }

  /// Reads a file in samples of 8 bits, like ``read(path:depth:)``, into the caller's memory: height x width x (1 or 3)
  /// bytes. Fails with `bufferTooSmall` when they do not fit. After another failure the memory may have been written to.
  package static func read(path: String, into pixels: UnsafeMutableRawBufferPointer) throws(Failure) {
    let reader = try Reader(path: path, CPNG_EIGHT_BITS)
    guard let base = pixels.baseAddress, pixels.count >= reader.byteCount else {
      throw Failure(
        .bufferTooSmall, "\(path): the image has \(reader.byteCount) bytes, which do not fit \(pixels.count)")
    }
    try reader.read(into: base.assumingMemoryBound(to: UInt8.self))
  }

  private static func image(_ reader: Reader) throws(Failure) -> Picture {
    do throws(Failure) {
      return try Picture(reader.shape) { pixels throws(Failure) in try reader.read(into: pixels) }
    } catch {
      throw error.kind == .outOfMemory ? error.within(reader.path) : error
    }
  }
}

extension PNG.Depth {
  fileprivate var samples: cpng_samples { self == .eight ? CPNG_EIGHT_BITS : CPNG_STORED }
}

/// An image whose header has been read.
private final class Reader {
  let path: String
  let width: Int
  let height: Int
  let channels: Int
  private let bits: Int
  private let handle: OpaquePointer

  init(path: String, _ samples: cpng_samples) throws(Failure) {
    guard !path.utf8.contains(0) else { throw Failure(.io, "a path holds a NUL character") }
    var message = cpng_message()
    var reader: OpaquePointer?
    let status = cpng_open(path.pathBytes, samples, &reader, &message)
    guard let handle = reader else { throw Failure(status, message, path) }
    (self.path, self.handle) = (path, handle)
    width = Int(cpng_width(handle))
    height = Int(cpng_height(handle))
    channels = Int(cpng_channels(handle))
    bits = Int(cpng_bits(handle))
  }

  deinit { cpng_close(handle) }

  var hasAlpha: Bool { channels == 2 || channels == 4 }

  /// The shape of the image when it is read without alpha.
  var shape: Picture.Shape {
    Picture.Shape(width: width, height: height, isGray: channels == 1, bitsPerSample: bits)
  }

  /// At most 4 * 2^29.
  var byteCount: Int { width * height * channels * bits / 8 }

  func read(into pixels: UnsafeMutablePointer<UInt8>) throws(Failure) {
    var message = cpng_message()
    let status = cpng_read(handle, pixels, &message)
    guard status == CPNG_SUCCESS else { throw Failure(status, message, path) }
  }
}
