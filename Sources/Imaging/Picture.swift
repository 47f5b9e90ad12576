import Basics

/// An image that owns its pixels.
package struct Picture: Sendable, Equatable {
  package let shape: Shape
  private let memory: Memory

  /// The layout of an image's memory: rows without gaps, one sample per pixel or R, G, B.
  package struct Shape: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// Whether there is one sample per pixel instead of R, G, B.
    package let isGray: Bool
    /// 8; or 16, in the host's byte order.
    package let bitsPerSample: Int

    package init(width: Int, height: Int, isGray: Bool, bitsPerSample: Int = 8) {
      self.width = width
      self.height = height
      self.isGray = isGray
      self.bitsPerSample = bitsPerSample
    }

    package var bytesPerPixel: Int { (isGray ? 1 : 3) * bitsPerSample / 8 }

    /// Cannot overflow for images within the limits of files, 65535 pixels a side and 2^28 in all.
    package var byteCount: Int { width * height * bytesPerPixel }

    /// The number of the pixels' format, `CFLOWAD_PIXEL_` in the C header.
    package var formatNumber: Int32 {
      bitsPerSample == 8
        ? (isGray ? PixelFormat.gray8 : .rgb8).rawValue : (isGray ? CameraFormat.mono16 : .rgb16).rawValue
    }
  }

  package var width: Int { shape.width }
  package var height: Int { shape.height }
  package var isGray: Bool { shape.isGray }

  /// A copy of all bytes; ``withFrame(_:)`` and ``isBlack(_:)`` do without one.
  package var pixels: [UInt8] { Array(UnsafeRawBufferPointer(bytes)) }

  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: memory.base, count: shape.byteCount)
  }

  /// Makes a picture whose pixels `fill` writes, all of them. Fails as `fill` does, and with `outOfMemory`.
  package init(_ shape: Shape, fill: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void) throws(Failure) {
    guard let base = malloc(max(shape.byteCount, 1)) else {
      throw Failure(.outOfMemory, "no memory for \(shape.byteCount) bytes of pixels")
    }
    self.init(shape, taking: base)
    try fill(base.assumingMemoryBound(to: UInt8.self))
  }

  /// - Parameter base: memory of `malloc` with the pixels, which the picture frees.
  package init(_ shape: Shape, taking base: UnsafeMutableRawPointer) {
    self.shape = shape
    memory = Memory(base)
  }

  package static func == (a: Picture, b: Picture) -> Bool {
    a.shape == b.shape && memcmp(a.memory.base, b.memory.base, a.shape.byteCount) == 0
  }

  /// Whether all samples of a pixel, counted row by row, are 0.
  package func isBlack(_ pixel: Int) -> Bool {
    let size = shape.bytesPerPixel
    return bytes[pixel * size..<(pixel + 1) * size].allSatisfy { $0 == 0 }
  }

  /// The image as a frame, for the time of the call.
  package func withFrame<Result>(_ body: (Frame) throws(Failure) -> Result) throws(Failure) -> Result {
    defer { withExtendedLifetime(memory) {} }
    let base = UnsafePointer(memory.base.assumingMemoryBound(to: UInt8.self))
    let stride = width * shape.bytesPerPixel
    guard shape.bitsPerSample == 8 else {
      return try body(
        Frame(base: base, width: width, height: height, stride: stride, format: isGray ? CameraFormat.mono16 : .rgb16))
    }
    return try body(
      Frame(base: base, width: width, height: height, stride: stride, format: isGray ? PixelFormat.gray8 : .rgb8))
  }

  /// Only the initialisers write to it, so that it may be shared between threads.
  private final class Memory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    init(_ base: UnsafeMutableRawPointer) { self.base = base }
    deinit { free(base) }
  }
}
