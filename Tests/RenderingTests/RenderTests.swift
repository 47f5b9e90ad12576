import Basics
import Foundation
import Imaging
import Rendering
import Testing

private let cyan: [UInt8] = [0, 255, 255]

/// The overlay on a grey frame of value 100, or on the given pixels.
private func rendered(
  _ map: [Float], width: Int, height: Int, _ overlay: Overlay, pixels: [UInt8]? = nil, format: PixelFormat = .gray8
) throws -> [UInt8] {
  let pixels = pixels ?? [UInt8](repeating: 100, count: width * height * format.bytesPerPixel)
  var output = [UInt8](repeating: 77, count: width * height * 3 + 3)
  try pixels.withUnsafeBufferPointer { pixels in
    let frame = try Frame(
      base: #require(pixels.baseAddress), width: width, height: height, stride: width * format.bytesPerPixel,
      format: format)
    try output.withUnsafeMutableBufferPointer {
      try render(frame: frame, map: map, overlay: overlay, into: #require($0.baseAddress))
    }
  }
  #expect(output.suffix(3) == [77, 77, 77], "written beyond the image")
  return Array(output.dropLast(3))
}

private func pixel(_ image: [UInt8], _ index: Int) -> [UInt8] { Array(image[3 * index..<3 * index + 3]) }

@Suite struct ColorMapTests {
  @Test func itIsMatplotlibsInferno() throws {
    let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/inferno.bin")
    let expected = try [UInt8](Data(contentsOf: folder))
    #expect(expected.count == 768)
    for i in 0..<256 {
      let color = ColorMap.inferno.color(Float(i) / 255)
      for c in 0..<3 { #expect(abs(Int(color[c]) - Int(expected[3 * i + c])) <= 1, "\(i)") }
      if i % 5 == 0 { #expect([color.x, color.y, color.z] == Array(expected[3 * i..<3 * i + 3])) }
    }
  }

  @Test func valuesOutside() {
    for value: Float in [-1, -.infinity, .nan] { #expect(ColorMap.inferno.color(value) == SIMD3(0, 0, 4)) }
    for value: Float in [1, 2, .infinity] { #expect(ColorMap.inferno.color(value) == SIMD3(252, 255, 164)) }
  }
}

@Suite struct RenderTests {
  @Test(arguments: PixelFormat.allCases)
  func whereTheMapIsLowTheFrameShows(_ format: PixelFormat) throws {
    let pixels = (0..<6 * 4 * format.bytesPerPixel).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let map = (0..<24).map { [0, -1, -.infinity, .nan, .infinity, -3e38][$0 % 6] as Float }
    let image = try rendered(
      map, width: 6, height: 4, Overlay(threshold: 1, opacity: 1), pixels: pixels, format: format)
    for i in 0..<24 {
      let source = Array(pixels[i * format.bytesPerPixel..<(i + 1) * format.bytesPerPixel])
      switch format {
      case .gray8: #expect(pixel(image, i) == [source[0], source[0], source[0]])
      case .rgb8, .rgba8: #expect(pixel(image, i) == [source[0], source[1], source[2]])
      case .bgr8, .bgra8: #expect(pixel(image, i) == [source[2], source[1], source[0]])
      }
    }
  }

  @Test func heatGrowsFromLowToHigh() throws {
    let map = (0...30).map { Float($0) / 10 }
    let image = try rendered(map + [99], width: 32, height: 1, Overlay(opacity: 1))
    #expect(pixel(image, 0) == [100, 100, 100])
    // Inferno at 0.75.
    let inferno = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/inferno.bin")
    let hottest = Array(try Data(contentsOf: inferno)[3 * 191..<3 * 192])
    for index in [30, 31] {
      for (value, expected) in zip(pixel(image, index), hottest) { #expect(abs(Int(value) - Int(expected)) <= 2) }
    }
    // Half way: a quarter of the frame, three quarters of inferno at 0.475.
    let middle = ColorMap.inferno.color(0.475)
    for c in 0..<3 { #expect(abs(Int(pixel(image, 15)[c]) - (100 + 3 * Int(middle[c])) / 4) <= 1) }
    let faint = try rendered([3], width: 1, height: 1, Overlay(opacity: 0.6))
    for c in 0..<3 { #expect(abs(Int(pixel(faint, 0)[c]) - (40 + 6 * Int(pixel(image, 30)[c]) / 10)) <= 1) }
    let none = try rendered(map, width: 31, height: 1, Overlay(opacity: 0))
    #expect(none.allSatisfy { $0 == 100 })
  }

  /// Both the strongest heat and half of it, which is what a defect often has.
  @Test(arguments: [0, 40, 128, 200, 255]) func heatShowsOnDarkAndBrightParts(_ brightness: UInt8) throws {
    let pixels = [UInt8](repeating: brightness, count: 31)
    let image = try rendered((0...30).map { Float($0) / 10 }, width: 31, height: 1, Overlay(), pixels: pixels)
    let differences = (0...30).map { i in pixel(image, i).map { abs(Int($0) - Int(brightness)) }.max() ?? 0 }
    #expect(differences[0] == 0)
    #expect(differences[15...].allSatisfy { $0 >= 30 } && differences[30] >= 60, "\(differences)")
  }

  @Test func theContourRunsInsideTheRegion() throws {
    // A square of 6 x 6 above the threshold in the middle of 20 x 20.
    let map = (0..<400).map { i -> Float in (7..<13).contains(i % 20) && (7..<13).contains(i / 20) ? 1 : 0 }
    let image = try rendered(map, width: 20, height: 20, Overlay(low: 2, high: 3, threshold: 0.5))
    for i in 0..<400 {
      let (x, y) = (i % 20, i / 20)
      let distance = min(min(x - 7, 12 - x), min(y - 7, 12 - y))
      switch distance {
      case 0: #expect(pixel(image, i) == cyan, "\(x) \(y)")
      case -1, 1: #expect(pixel(image, i) == [8, 24, 32], "\(x) \(y)")
      default: #expect(pixel(image, i) == [100, 100, 100], "\(x) \(y)")
      }
    }
  }

  @Test func noContourWithoutACrossing() throws {
    for (value, threshold) in [(1, 0.5), (0, 0.5), (0.5, 0.5), (.nan, 0.5), (.infinity, 0.5)] as [(Float, Float)] {
      let map = [Float](repeating: value, count: 64)
      let image = try rendered(map, width: 8, height: 8, Overlay(low: 2, high: 3, threshold: threshold))
      #expect(image.allSatisfy { $0 == 100 }, "\(value)")
    }
    let map: [Float] = [0, 1, 0, 1]
    #expect(try rendered(map, width: 2, height: 2, Overlay(low: 2, high: 3)).allSatisfy { $0 == 100 })
  }

  @Test(arguments: [(255, 1), (384, 2), (1024, 4)])
  func theLineGrowsWithTheFrame(_ width: Int, _ lineWidth: Int) throws {
    // One step from low to high across the frame.
    let map = (0..<width * 3).map { $0 % width < width / 2 ? 0 as Float : 1 }
    let image = try rendered(map, width: width, height: 3, Overlay(low: 2, high: 3, threshold: 0.5))
    for y in 0..<3 {
      #expect((0..<width).count { pixel(image, y * width + $0) == cyan } == lineWidth)
      #expect(pixel(image, y * width + width / 2) == cyan)
    }
  }

  @Test func hostileMaps() throws {
    let values: [Float] = [
      .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0,
      .signalingNaN, .leastNormalMagnitude / 2,
    ]
    let overlays = try [
      Overlay(threshold: 0), Overlay(threshold: .greatestFiniteMagnitude),
      Overlay(low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude, threshold: -3e38, opacity: 1),
      Overlay(low: 0, high: .leastNonzeroMagnitude, threshold: 0), Overlay(low: 1, high: 1.0000001),
    ]
    for overlay in overlays {
      for (width, height) in [(1, 1), (1, 90), (90, 1), (17, 23)] {
        let map = (0..<width * height).map { values[$0 * 7 % values.count] }
        #expect(try rendered(map, width: width, height: height, overlay).count == width * height * 3)
      }
    }
    let steep = try rendered([3e38], width: 1, height: 1, Overlay(low: 0, high: 1e-38, opacity: 1))
    let hottest = ColorMap.inferno.color(0.75)
    #expect(pixel(steep, 0) == [hottest.x, hottest.y, hottest.z])
  }

  @Test func badOverlays() {
    let bad: [(Float, Float, Float?, Float)] = [
      (.nan, 3, nil, 0.5), (0, .nan, nil, 0.5), (0, .infinity, nil, 0.5), (-.infinity, 0, nil, 0.5), (3, 3, nil, 0.5),
      (3, 0, nil, 0.5), (0, 3, .nan, 0.5), (0, 3, .infinity, 0.5), (0, 3, nil, -0.1), (0, 3, nil, 1.1),
      (0, 3, nil, .nan),
    ]
    for (low, high, threshold, opacity) in bad {
      #expect {
        _ = try Overlay(low: low, high: high, threshold: threshold, opacity: opacity)
      } throws: { ($0 as? Failure)?.kind == .invalidArgument }
    }
  }
}
