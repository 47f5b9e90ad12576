import Basics

/// The network's input from 8-bit pixels: (v / 255 - mean) / standardDeviation per channel, each step rounded to
/// float32 as torchvision's `ToTensor` and `Normalize` do, from a table of 3 x 256.
package struct Normalization: Sendable {
  /// R's 256 values, then G's and B's.
  private let table: [Float]

  package init(_ preprocessing: Preprocessing) {
    table = (0..<768).map { index in
      let scaled = Float(index % 256) / 255
      return (scaled - preprocessing.mean[index / 256]) / preprocessing.standardDeviation[index / 256]
    }
  }

  /// Converts `pixelCount` RGB8 pixels to as many triples of floats, in the same order (position-major, channel fastest).
  package func apply(_ rgb: UnsafePointer<UInt8>, pixelCount: Int, into output: UnsafeMutablePointer<Float>) {
    table.withUnsafeBufferPointer { table in
      guard let red = table.baseAddress else { return }
      let green = red + 256
      let blue = red + 512
      for i in 0..<pixelCount {
        output[3 &* i] = red[Int(rgb[3 &* i])]
        output[3 &* i &+ 1] = green[Int(rgb[3 &* i &+ 1])]
        output[3 &* i &+ 2] = blue[Int(rgb[3 &* i &+ 2])]
      }
    }
  }
}
