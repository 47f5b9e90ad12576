import Foundation
import Imaging
import Testing

@Suite struct RotationTests {
  private func rotated(_ samples: [UInt8], _ width: Int, _ height: Int, _ degrees: Double) throws -> [UInt8] {
    var output = [UInt8](repeating: 77, count: samples.count)
    try output.withUnsafeMutableBufferPointer {
      Rotation.rotate(samples, width: width, height: height, degrees: degrees, into: try #require($0.baseAddress))
    }
    return output
  }

  /// Lines: width height degrees hash.
  @Test func equalsPillow() throws {
    let lines = try String(decoding: fixture("rotated.txt"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 104)
    for line in lines {
      let fields = line.split(separator: " ")
      let width = try #require(Int(fields[0]))
      let height = try #require(Int(fields[1]))
      let degrees = try #require(Double(fields[2]))
      let bytes = try rotated(noise(width * height * 3, seed: 2), width, height, degrees)
      #expect(fnv1a(bytes) == UInt64(fields[3]), "\(line)")
    }
  }

  @Test func itTurnsCounterClockwiseAndFillsWithBlack() throws {
    // A white pixel right of the centre of 3 x 3 goes above it.
    var samples = [UInt8](repeating: 9, count: 27)
    samples.replaceSubrange(15..<18, with: [255, 254, 253])
    let quarter = try rotated(samples, 3, 3, 90)
    #expect(Array(quarter[3..<6]) == [255, 254, 253])
    let wide = try rotated([UInt8](repeating: 9, count: 9 * 3 * 3), 9, 3, 90)
    #expect(Array(wide.prefix(3)) == [0, 0, 0])
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func anAngleThatIsNotFiniteIsZero(_ degrees: Double) throws {
    let samples = noise(8 * 6 * 3, seed: 5)
    #expect(try rotated(samples, 8, 6, degrees) == samples)
  }

  @Test(arguments: [1e300, -1e18, 1e-300, -Double.leastNonzeroMagnitude, 359.9999999999999])
  func extremeAnglesDoNotTrap(_ degrees: Double) throws {
    #expect(try rotated(noise(8 * 6 * 3, seed: 5), 8, 6, degrees).count == 8 * 6 * 3)
  }
}
