import Basics
import Execution
import Foundation
import Imaging
import Testing

@Suite struct NormalizationTests {
  private static let lite = Float(127.0 / 255)
  private static let liteDeviation = Float(128.0 / 255)

  @Test(arguments: [
    ("imagenet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ("lite", [lite, lite, lite], [liteDeviation, liteDeviation, liteDeviation]),
  ])
  func bitsEqualTorch(_ name: String, _ mean: [Float], _ standardDeviation: [Float]) throws {
    let data = try fixture("normalized-\(name).bin")
    #expect(data.count == 768 * 4)
    let expected = data.withUnsafeBytes { bytes in
      (0..<768).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self).littleEndian }
    }
    let preprocessing = try Preprocessing(width: 32, height: 32, mean: mean, standardDeviation: standardDeviation)
    let normalization = Normalization(preprocessing)
    // Every value in every channel, each channel in its own order.
    let pixels = (UInt8.min...UInt8.max).flatMap { (v: UInt8) -> [UInt8] in [v, 255 - v, v &+ 100] }
    var output = [Float](repeating: .nan, count: 769)
    try output.withUnsafeMutableBufferPointer {
      normalization.apply(
        pixels, width: 32, height: 8, into: try #require($0.baseAddress), try Workers(count: 2))
    }
    for (i, pixel) in pixels.enumerated() {
      #expect(output[i].bitPattern == expected[i % 3 * 256 + Int(pixel)])
    }
    #expect(output[768].isNaN, "written beyond the pixels")
  }
}
