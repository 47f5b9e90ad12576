import Basics
import Execution
import Foundation
import Imaging
import Testing

/// A fixture `WxH-WxH-channels[-binary].bin`: noise resized by Pillow.
struct Resized: CustomTestStringConvertible, Sendable {
  let name: String
  let source: (width: Int, height: Int)
  let target: (width: Int, height: Int)
  let channels: Int
  let isBinary: Bool

  var testDescription: String { name }

  init?(_ name: String) {
    let parts = name.dropLast(4).split(separator: "-")
    let numbers = parts.prefix(3).flatMap { $0.split(separator: "x") }.compactMap { Int($0) }
    guard numbers.count == 5 else { return nil }
    self.name = name
    source = (numbers[0], numbers[1])
    target = (numbers[2], numbers[3])
    channels = numbers[4]
    isBinary = parts.count == 4
  }

  var samples: [UInt8] { noise(source.width * source.height * channels, seed: 1, binary: isBinary) }

  var expected: [UInt8] {
    get throws {
      let bytes = try [UInt8](fixture("resized/\(name)"))
      return channels == 3 ? bytes : bytes.flatMap { [$0, $0, $0] }
    }
  }

  func picture(_ format: PixelFormat, padding: Int) -> Picture {
    Picture(
      samples, channels: channels, width: source.width, height: source.height, format: format, padding: padding)
  }

  static let all: [Resized] = {
    let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures/resized").path ?? ""
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { Resized($0) }
  }()
}

@Suite struct ResizerTests {
  @Test func fixturesAreThere() { #expect(Resized.all.count == 26) }

  @Test(arguments: Resized.all)
  func equalsPillow(_ resized: Resized) throws {
    let formats: [PixelFormat] = resized.channels == 1 ? PixelFormat.allCases : [.rgb8, .bgr8, .rgba8, .bgra8]
    let resizer = try Resizer(width: resized.target.width, height: resized.target.height)
    for format in formats {
      for padding in [0, 5] {
        let bytes = try resized.picture(format, padding: padding).resized(by: resizer)
        #expect(try firstDifference(bytes, resized.expected) == nil, "\(format), padding \(padding)")
      }
    }
  }

  /// Sizes on which versions differ, or do not: lines of width, height, the target's, hash (make_resampled.py).
  @Test(arguments: Resampling.allCases)
  func equalsItsPillow(_ resampling: Resampling) throws {
    let lines = try String(decoding: fixture("resampled/\(resampling.name).txt"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 76)
    for line in lines {
      let fields = line.split(separator: " ")
      let sides = fields.prefix(4).compactMap { Int($0) }
      try #require(sides.count == 4 && fields.count == 5)
      let samples = noise(sides[0] * sides[1] * 3, seed: 3)
      let workers = sides[0] % 2 == 0 ? try Workers(count: 3) : nil
      let resizer = try Resizer(width: sides[2], height: sides[3], resampling: resampling, workers: workers)
      for format in [PixelFormat.rgb8, .bgr8, .bgra8] {
        let picture = Picture(
          samples, channels: 3, width: sides[0], height: sides[1], format: format, padding: format == .bgra8 ? 3 : 0)
        #expect(try fnv1a(picture.resized(by: resizer)) == UInt64(fields[4]), "\(line), \(format)")
      }
    }
  }

  @Test func greyFramesGoTheSameWay() throws {
    for resampling in Resampling.allCases {
      let resizer = try Resizer(width: 20, height: 30, resampling: resampling)
      let samples = noise(30 * 90, seed: 4)
      let grey = Picture(samples, channels: 1, width: 30, height: 90, format: .gray8)
      let colour = Picture(samples.flatMap { [$0, $0, $0] }, channels: 3, width: 30, height: 90, format: .rgb8)
      #expect(try grey.resized(by: resizer) == colour.resized(by: resizer))
    }
  }

  @Test func namesOfResamplings() {
    #expect(Resampling.allCases.map(\.rawValue) == [0, 1, 2])
    for resampling in Resampling.allCases { #expect(Resampling(name: resampling.name) == resampling) }
    #expect(Resampling(name: "pillow-12.1") == nil)
  }

  @Test(arguments: PixelFormat.allCases)
  func sameSizeIsACopy(_ format: PixelFormat) throws {
    let channels = format == .gray8 ? 1 : 3
    let samples = noise(19 * 11 * channels, seed: 3)
    let picture = Picture(samples, channels: channels, width: 19, height: 11, format: format, padding: 3)
    let bytes = try picture.resized(by: Resizer(width: 19, height: 11))
    #expect(bytes == (channels == 3 ? samples : samples.flatMap { [$0, $0, $0] }))
  }

  @Test func framesOfChangingSizesDoNotDisturbEachOther() throws {
    let cases = Resized.all.filter { $0.target == (8, 8) || $0.target == (16, 12) }
    let resizer = try Resizer(width: 16, height: 12)
    let first = try #require(cases.first { $0.target == (16, 12) && $0.channels == 3 })
    for _ in 0..<3 {
      #expect(try first.picture(.rgb8, padding: 0).resized(by: resizer) == first.expected)
      _ = try Picture(noise(700 * 3, seed: 8), channels: 1, width: 700, height: 3, format: .gray8)
        .resized(by: resizer)
    }
  }

  @Test func aConstantStaysConstant() throws {
    for value: UInt8 in [0, 1, 128, 255] {
      let samples = [UInt8](repeating: value, count: 123 * 45)
      let picture = Picture(samples, channels: 1, width: 123, height: 45, format: .gray8)
      #expect(try picture.resized(by: Resizer(width: 77, height: 99)).allSatisfy { $0 == value })
    }
  }

  @Test func theLargestSidesWork() throws {
    let samples = [UInt8](repeating: 200, count: 65535)
    for (width, height) in [(65535, 1), (1, 65535)] {
      let picture = Picture(samples, channels: 1, width: width, height: height, format: .rgba8)
      #expect(try picture.resized(by: Resizer(width: 32, height: 32)).allSatisfy { $0 == 200 })
    }
  }

  @Test(arguments: [(0, 5), (5, 0), (-1, 5), (65536, 5), (5, .max), (.min, 5)])
  func badTargetsAreRefused(_ width: Int, _ height: Int) {
    #expect { _ = try Resizer(width: width, height: height) } throws: { ($0 as? Failure)?.kind == .invalidArgument }
  }
}

@Suite struct FrameTests {
  @Test(arguments: PixelFormat.allCases)
  func limits(_ format: PixelFormat) {
    var byte: UInt8 = 0
    let row = 7 * format.bytesPerPixel
    withUnsafePointer(to: &byte) { base in
      func kind(_ width: Int, _ height: Int, _ stride: Int) -> Failure.Kind? {
        do throws(Failure) {
          _ = try Frame(base: base, width: width, height: height, stride: stride, format: format)
          return nil
        } catch { return error.kind }
      }
      #expect(kind(7, 5, row) == nil)
      #expect(kind(7, 5, row + 1) == nil)
      #expect(kind(65535, 65535, 65535 * 4) == nil)
      #expect(kind(7, 1, .max) == nil)
      #expect(kind(7, 5, row - 1) == .invalidArgument)
      #expect(kind(7, 5, 0) == .invalidArgument)
      #expect(kind(7, 5, -row) == .invalidArgument)
      #expect(kind(7, 2, .max) == .invalidArgument)
      #expect(kind(7, 65535, .max / 65534) == .invalidArgument)
      for side in [0, -1, 65536, Int.max, Int.min] {
        #expect(kind(side, 5, .max) == .invalidArgument)
        #expect(kind(5, side, .max) == .invalidArgument)
      }
    }
  }

  @Test func theNumbersOfTheHeader() {
    #expect(PixelFormat.allCases.map(\.rawValue) == [1, 2, 3, 4, 5])
    #expect(PixelFormat.allCases.map(\.bytesPerPixel) == [1, 3, 3, 4, 4])
  }
}
