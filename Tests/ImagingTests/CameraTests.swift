import Basics
import Foundation
import Imaging
import Testing

/// Memory of a frame in a camera's format, exactly as long as it needs to be.
private struct CameraPicture {
  var bytes: [UInt8]
  let width: Int
  let height: Int
  let stride: Int
  let format: CameraFormat
  var significantBits = 0
  var shift = 0
  var window = Window.full

  /// The pixels that a reader makes of it, in rows.
  func rows(isBottomUp: Bool = false, crop: Frame.Rectangle? = nil) throws -> [[UInt8]] {
    // A heap block of its own, so that a sanitizer sees a read beyond it.
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    defer { memory.deallocate() }
    memory.initialize(from: bytes, count: bytes.count)
    let frame = try Frame(
      base: memory, width: width, height: height, stride: stride, format: format, significantBits: significantBits,
      shift: shift, isBottomUp: isBottomUp, crop: crop)
    let reader = try RowReader(window: window)
    reader.prepare(frame)
    return try (0..<frame.height).map { y in
      var row = [UInt8](repeating: 0, count: frame.width * frame.format.channelCount)
      try row.withUnsafeMutableBufferPointer { reader.read(frame, y, into: try #require($0.baseAddress)) }
      return row
    }
  }
}

@Suite struct CameraTests {
  struct Expected: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let format: CameraFormat
    let width: Int
    let height: Int

    static let all: [Expected] = {
      let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures/camera").path ?? ""
      return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { name in
        let parts = name.dropLast(4).split(separator: "-")
        let sides = parts.last?.split(separator: "x").compactMap { Int($0) } ?? []
        guard sides.count == 2, let format = CameraFormat.allCases.first(where: { "\($0)" == parts[0] }) else {
          return nil
        }
        return Expected(testDescription: name, format: format, width: sides[0], height: sides[1])
      }
    }()

    fileprivate var picture: CameraPicture {
      let stride = format == .yuy2 ? 2 * width : width
      let count = format == .nv12 ? width * height * 3 / 2 : stride * height
      return CameraPicture(
        bytes: noise(count, seed: 5), width: width, height: height, stride: stride, format: format)
    }
  }

  @Test func fixturesAreThere() { #expect(Expected.all.count == 16) }

  @Test(arguments: Expected.all)
  func equalsOpenCV(_ expected: Expected) throws {
    let pixels = try [UInt8](fixture("camera/\(expected.testDescription)"))
    let rows = stride(from: 0, to: pixels.count, by: 3 * expected.width).map {
      Array(pixels[$0..<$0 + 3 * expected.width])
    }
    #expect(try expected.picture.rows() == rows)
    // The image is the same where only a part of it is wanted, and upside down.
    #expect(try expected.picture.rows(isBottomUp: true) == rows.reversed())
    for x in 0..<expected.width {
      for y in 0..<expected.height {
        let crop = Frame.Rectangle(
          x: x, y: y, width: min(3, expected.width - x), height: min(2, expected.height - y))
        let part = rows[y..<y + crop.height].map { Array($0[3 * x..<3 * (x + crop.width)]) }
        #expect(try expected.picture.rows(crop: crop) == part)
        let flipped = rows.reversed()[y..<y + crop.height].map { Array($0[3 * x..<3 * (x + crop.width)]) }
        #expect(try expected.picture.rows(isBottomUp: true, crop: crop) == flipped)
      }
    }
  }

  /// round(255 v / (2^bits - 1)) for rows of samples, by integers.
  private func scaled(_ samples: [[Int]], bits: Int) -> [[UInt8]] {
    let full = 1 << bits - 1
    return samples.map { $0.map { UInt8((2 * 255 * $0 + full) / (2 * full)) } }
  }

  /// The first row that a Bayer format's name speaks of is the memory's, also where that is the image's last: here every
  /// second sample of every second row, from the first in memory on, is red and bright.
  @Test func theFilterBeginsInTheMemorysFirstRow() throws {
    let memory = (0..<16).map { UInt8($0 % 2 == 0 && $0 / 4 % 2 == 0 ? 200 : 0) }
    let picture = CameraPicture(bytes: memory, width: 4, height: 4, stride: 4, format: .bayerRG8)
    let red = [[UInt8]](repeating: [200, 0, 0, 200, 0, 0, 200, 0, 0, 200, 0, 0], count: 4)
    #expect(try picture.rows() == red)
    #expect(try picture.rows(isBottomUp: true) == red)
    let crop = Frame.Rectangle(x: 1, y: 1, width: 2, height: 3)
    for isBottomUp in [false, true] {
      #expect(try picture.rows(isBottomUp: isBottomUp, crop: crop) == red[..<3].map { Array($0[..<6]) })
    }
  }

  @Test func packedByHand() throws {
    let samples = [[0x3ab, 0x001, 0x2fe, 0x155, 0x3ff], [0x200, 0x0cc, 0x133, 0x3fe, 0x002]]
    // 10 bits each, the lowest first: 0x3ab is 1110101011, then 0000000001 ...
    let mono10p: [UInt8] = [
      0xab, 0x07, 0xe0, 0x6f, 0x55, 0xff, 0x03, 0xee, 0x00, 0x32, 0x33, 0x93, 0xff, 0x02, 0x00,
    ]
    let picture = CameraPicture(bytes: mono10p, width: 5, height: 2, stride: 8, format: .mono10p)
    #expect(try picture.rows() == scaled(samples, bits: 10))

    let wide = [[0xabc, 0x123, 0xfff], [0x800, 0x001, 0x7fe]]
    let mono12p: [UInt8] = [0xbc, 0x3a, 0x12, 0xff, 0x0f, 0x00, 0x18, 0x00, 0xfe, 0x07]
    #expect(
      try CameraPicture(bytes: mono12p, width: 3, height: 2, stride: 5, format: .mono12p).rows()
        == scaled(wide, bits: 12))
    let mono12Packed: [UInt8] = [0xab, 0x3c, 0x12, 0xff, 0x0f, 0x80, 0x10, 0x00, 0x7f, 0x0e]
    #expect(
      try CameraPicture(bytes: mono12Packed, width: 3, height: 2, stride: 5, format: .mono12Packed).rows()
        == scaled(wide, bits: 12))
    let narrow = [[0x3ab, 0x001, 0x2fe]]
    let mono10Packed: [UInt8] = [0xea, 0x13, 0x00, 0xbf, 0x02]
    #expect(
      try CameraPicture(bytes: mono10Packed, width: 3, height: 1, stride: 5, format: .mono10Packed).rows()
        == scaled(narrow, bits: 10))
  }

  @Test(arguments: [(16, 0), (14, 0), (14, 2), (12, 4), (12, 0), (10, 6), (9, 3), (8, 8), (8, 0)])
  func wordsOf16Bits(_ bits: Int, _ shift: Int) throws {
    let noise = noise(7 * 3 * 4, seed: 6)
    var samples: [[Int]] = []
    for y in 0..<4 {
      var row: [Int] = []
      for x in 0..<21 {
        let place = y * 21 + x
        row.append((Int(noise[place]) << 8 | Int(noise[(place + 1) % 84])) & (1 << bits - 1))
      }
      samples.append(row)
    }
    // What lies around the significant bits is not theirs; rows begin at odd addresses.
    let outside = ~((1 << bits - 1) << shift) & 0xa5a5
    var bytes: [UInt8] = []
    for row in samples {
      for sample in row {
        bytes += [UInt8((sample << shift | outside) & 255), UInt8((sample << shift | outside) >> 8)]
      }
      bytes.append(99)
    }
    bytes.removeLast()
    let expected = scaled(samples, bits: bits)
    var picture = CameraPicture(
      bytes: bytes, width: 7, height: 4, stride: 43, format: .rgb16, significantBits: bits, shift: shift)
    #expect(try picture.rows() == expected)
    picture = CameraPicture(
      bytes: bytes, width: 7, height: 4, stride: 43, format: .bgr16, significantBits: bits, shift: shift)
    let swapped = expected.map { row -> [UInt8] in
      (0..<21).map { x -> UInt8 in row[x / 3 * 3 + 2 - x % 3] }
    }
    #expect(try picture.rows() == swapped)
    picture = CameraPicture(
      bytes: bytes, width: 21, height: 4, stride: 43, format: .mono16, significantBits: bits, shift: shift)
    #expect(try picture.rows() == expected)
    let part = expected[1...2].map { Array($0[5...]) }
    #expect(try picture.rows(crop: Frame.Rectangle(x: 5, y: 1, width: 16, height: 2)) == part)
  }

  @Test func windows() throws {
    let window = try Window(low: 0.25, high: 0.5)
    var bytes: [UInt8] = []
    for sample in [0, 1023, 1024, 1025, 1535, 1536, 2047, 2048, 4095] {
      bytes += [UInt8(sample & 255), UInt8(sample >> 8)]
    }
    let picture = CameraPicture(
      bytes: bytes, width: 9, height: 1, stride: 18, format: .mono16, significantBits: 12, window: window)
    // 255 (v / 4095 - 0.25) / 0.25
    #expect(try picture.rows() == [[0, 0, 0, 0, 127, 128, 255, 255, 255]])
    for (low, high) in [(0, 0), (0.5, 0.25), (-0.1, 1), (0, 1.1), (.nan, 1), (0, .nan)] as [(Float, Float)] {
      #expect { _ = try Window(low: low, high: high) } throws: { ($0 as? Failure)?.kind == .invalidArgument }
    }
  }

  @Test func planes() throws {
    let bytes = noise(5 * 4 * 3, seed: 7)
    let expected = (0..<4).map { y -> [UInt8] in
      (0..<15).map { x -> UInt8 in bytes[x % 3 * 20 + y * 5 + x / 3] }
    }
    let picture = CameraPicture(bytes: bytes, width: 5, height: 4, stride: 5, format: .rgb8Planar)
    #expect(try picture.rows() == expected)
    let part = expected[1...2].map { Array($0[6...]) }
    #expect(try picture.rows(crop: Frame.Rectangle(x: 2, y: 1, width: 3, height: 2)) == part)
    // Elsewhere in memory; the third plane has the second one's stride.
    try bytes.withUnsafeBufferPointer { bytes in
      let base = try #require(bytes.baseAddress)
      let frame = try Frame(
        base: base, width: 2, height: 2, stride: 5, format: .rgb8Planar, planes: (base + 40, base + 20),
        planeStrides: (10, 0))
      let reader = try RowReader()
      reader.prepare(frame)
      var row = [UInt8](repeating: 0, count: 6)
      try row.withUnsafeMutableBufferPointer { reader.read(frame, 1, into: try #require($0.baseAddress)) }
      #expect(row == [5, 50, 30, 6, 51, 31].map { bytes[$0] })
    }
  }

  /// Through the resizer a camera's frame is what its rows are.
  @Test(arguments: CameraFormat.allCases, [Resampling.pillow3, .pillow13])
  func resizing(_ format: CameraFormat, _ resampling: Resampling) throws {
    for (width, height) in [(37, 23), (16, 23), (37, 12), (16, 12), (17, 60)] {
      let stride = 6 * width + 5
      let picture = CameraPicture(
        bytes: noise(stride * height * 3, seed: 8), width: width, height: height, stride: stride, format: format)
      let rows = try picture.rows()
      let isGray = rows[0].count == width
      let plain = Picture(
        rows.flatMap { $0 }, channels: isGray ? 1 : 3, width: width, height: height, format: isGray ? .gray8 : .rgb8)
      let resizer = try Resizer(width: 16, height: 12, resampling: resampling)
      let expected = try plain.resized(by: resizer)
      var output = [UInt8](repeating: 0, count: 16 * 12 * 3)
      try picture.bytes.withUnsafeBufferPointer { bytes in
        let frame = try Frame(
          base: #require(bytes.baseAddress), width: width, height: height, stride: stride, format: format)
        try output.withUnsafeMutableBufferPointer { try resizer.resize(frame, into: #require($0.baseAddress)) }
      }
      #expect(output == expected, "\(width) x \(height)")
    }
  }

  @Test(arguments: PixelFormat.allCases)
  func plainFramesCropAndTurn(_ format: PixelFormat) throws {
    let samples = noise(9 * 7 * 3, seed: 4)
    let picture = Picture(samples, channels: 3, width: 9, height: 7, format: format, padding: 2)
    try picture.bytes.withUnsafeBufferPointer { bytes in
      let frame = try Frame(
        base: #require(bytes.baseAddress), width: 9, height: 7, stride: picture.stride, format: format,
        isBottomUp: true, crop: Frame.Rectangle(x: 4, y: 1, width: 5, height: 3))
      var output = [UInt8](repeating: 0, count: 5 * 3 * 3)
      let resizer = try Resizer(width: 5, height: 3)
      try output.withUnsafeMutableBufferPointer { try resizer.resize(frame, into: #require($0.baseAddress)) }
      var expected: [UInt8] = []
      for y in 1...3 {
        for x in 4..<9 {
          for c in 0..<3 { expected.append(samples[((6 - y) * 9 + x) * 3 + (format == .gray8 ? 0 : c)]) }
        }
      }
      #expect(output == expected)
    }
  }

  @Test(arguments: CameraFormat.allCases)
  func badFramesAreRefused(_ format: CameraFormat) {
    var byte: UInt8 = 0
    withUnsafePointer(to: &byte) { base in
      func kind(
        _ width: Int = 8, _ height: Int = 8, stride: Int = 4096, bits: Int = 0, shift: Int = 0, planeStride: Int = 0,
        crop: Frame.Rectangle? = nil, extra: UnsafePointer<UInt8>? = nil
      ) -> Failure.Kind? {
        do throws(Failure) {
          _ = try Frame(
            base: base, width: width, height: height, stride: stride, format: format, planes: (nil, extra),
            planeStrides: (planeStride, 0), significantBits: bits, shift: shift, crop: crop)
          return nil
        } catch { return error.kind }
      }
      #expect(kind() == nil)
      #expect(kind(65535, 65535, stride: 6 * 65535) == nil)
      for side in [0, -1, 65536, Int.max, Int.min] {
        #expect(kind(side) == .invalidArgument)
        #expect(kind(8, side) == .invalidArgument)
      }
      #expect(kind(stride: 7) == .invalidArgument)
      #expect(kind(stride: -4096) == .invalidArgument)
      #expect(kind(stride: .max) == .invalidArgument)
      for bits in [-1, 7, 17, Int.max] { #expect(kind(bits: bits) == .invalidArgument) }
      for shift in [-1, 9, 17, Int.max, Int.min] { #expect(kind(bits: 8, shift: shift) == .invalidArgument) }
      #expect(kind(bits: 16, shift: 1) == .invalidArgument)
      #expect(kind(planeStride: 1) == .invalidArgument)
      let isPlanar = format == .rgb8Planar
      #expect(kind(extra: base) == (isPlanar ? nil : .invalidArgument))
      let crops: [(Int, Int, Int, Int)] = [
        (0, 0, 9, 1), (0, 0, 1, 9), (8, 0, 1, 1), (0, 8, 1, 1), (-1, 0, 2, 2), (0, 0, 0, 1), (1, 1, 8, 8),
        (1, 1, Int.max, 1), (Int.min, 0, 1, 1),
      ]
      for (x, y, width, height) in crops {
        #expect(kind(crop: Frame.Rectangle(x: x, y: y, width: width, height: height)) == .invalidArgument)
      }
    }
  }
}
