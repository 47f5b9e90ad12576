import Imaging
import Testing

extension Generated {
  /// Calls with a frame of squares of 8 pixels, each of another colour.
  package static func withSquares<Result>(
    _ name: String, width: Int, height: Int, _ body: (Frame) throws -> Result
  ) throws -> Result {
    let columns = width / 8 + 1
    let squares = unit(name, count: 3 * columns * (height / 8 + 1))
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<3 { pixels.append(UInt8(128 + 100 * squares[3 * (y / 8 * columns + x / 8) + channel])) }
      }
    }
    return try pixels.withUnsafeBufferPointer { pixels in
      try body(
        Frame(base: #require(pixels.baseAddress), width: width, height: height, stride: 3 * width, format: .rgb8))
    }
  }
}
