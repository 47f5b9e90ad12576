import Basics
import Foundation
import Imaging
import Testing

/// Bytes of a linear congruential generator, or 0 and 255 by their highest bit: `noise` of make_images.py.
func noise(_ count: Int, seed: UInt32, binary: Bool = false) -> [UInt8] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return binary ? (state >> 31 == 0 ? 0 : 255) : UInt8(state >> 24)
  }
}

func fixture(_ name: String) throws -> Data {
  let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
  return try Data(contentsOf: folder.appendingPathComponent(name))
}

func fnv1a(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// The first position where two arrays differ.
func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
  a.count == b.count ? zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset : min(a.count, b.count)
}

/// A picture as it may lie in a caller's memory: rows of `format` with `padding` bytes between them.
struct Picture {
  let width: Int
  let height: Int
  let format: PixelFormat
  let stride: Int
  let bytes: [UInt8]

  /// From samples of 1 or 3 channels (R, G, B). Alpha and padding are noise. Exactly the frame's bytes: nothing after the
  /// last row's last pixel.
  init(_ samples: [UInt8], channels: Int, width: Int, height: Int, format: PixelFormat, padding: Int = 0) {
    let size = format.bytesPerPixel
    stride = width * size + padding
    var bytes = noise(stride * (height - 1) + width * size, seed: 99)
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<min(size, 3) {
          let channel = format == .bgr8 || format == .bgra8 ? 2 - c : c
          bytes[y * stride + x * size + c] = samples[(y * width + x) * channels + min(channel, channels - 1)]
        }
      }
    }
    self.width = width
    self.height = height
    self.format = format
    self.bytes = bytes
  }

  func resized(by resizer: Resizer) throws -> [UInt8] {
    // A heap block of its own, so that a sanitizer sees a read beyond it.
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    defer { memory.deallocate() }
    memory.initialize(from: bytes, count: bytes.count)
    let frame = try Frame(base: memory, width: width, height: height, stride: stride, format: format)
    var output = [UInt8](repeating: 77, count: resizer.width * resizer.height * 3 + 16)
    try output.withUnsafeMutableBufferPointer { try resizer.resize(frame, into: #require($0.baseAddress)) }
    #expect(output.suffix(16).allSatisfy { $0 == 77 }, "written beyond the image")
    return Array(output.dropLast(16))
  }
}
