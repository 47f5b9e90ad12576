import Basics
import Imaging

/// PBM, PGM and PPM files (netpbm's formats P1 to P6): text or binary, bilevel, grey or RGB, with any largest value up
/// to 65535, which stands for white. Samples are scaled to the full range and rounded: to 8 bits for largest values up
/// to 255, else to 16.
struct PNM {
  let shape: Picture.Shape
  private let bytes: UnsafeBufferPointer<UInt8>
  /// The digit of the format's name.
  private let kind: UInt8
  private let maximum: Int
  /// The offset of the samples.
  private let start: Int

  private var isBilevel: Bool { kind == 1 || kind == 4 }
  private var isBinary: Bool { kind >= 4 }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0d ~= byte }

  /// Reads the header. Fails with `format`.
  ///
  /// - Parameter bytes: the file, which must outlive this.
  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
    guard bytes.count > 2, bytes[0] == 0x50, 0x31...0x36 ~= bytes[1] else { throw Failure(.format, "not a PNM image") }
    self.bytes = bytes
    kind = bytes[1] - 0x30
    var reader = TextReader(bytes: bytes, place: 2)
    let width = try reader.number()
    let height = try reader.number()
    maximum = kind == 1 || kind == 4 ? 1 : try reader.number()
    guard 1...65535 ~= maximum else { throw Failure(.format, "the largest value \(maximum) is not within 1...65535") }
    guard 1...65535 ~= width, 1...65535 ~= height, width * height <= 1 << 28 else {
      throw Failure(.format, "the image is empty, wider or taller than 65535, or above 2^28 pixels")
    }
    // A single blank ends the header.
    start = reader.place + 1
    shape = Picture.Shape(
      width: width, height: height, isGray: kind != 3 && kind != 6, bitsPerSample: maximum > 255 ? 16 : 8)
  }

  /// Fails with `format` when the samples end too early, with `unsupported` when there is another image behind them, and
  /// with `outOfMemory`.
  var picture: Picture {
    get throws(Failure) {
      let end = try isBinary ? binaryEnd : start
      return try Picture(shape) { (pixels) throws(Failure) in
        var last = end
        if isBinary { readBinary(into: pixels) } else { last = try readText(into: pixels) }
        let rest = bytes[min(last, bytes.count)...].drop { Self.isBlank($0) }.prefix(2)
        if rest.count == 2, rest.first == 0x50, rest.last.map({ 0x31...0x37 ~= $0 }) == true {
          throw Failure(.unsupported, "it holds several pictures, of which each would be a frame: split it")
        }
      }
    }
  }

  private var sampleCount: Int { shape.width * shape.height * (shape.isGray ? 1 : 3) }

  private var bilevelRowBytes: Int { (shape.width + 7) / 8 }

  private var binaryEnd: Int {
    get throws(Failure) {
      let end = start + (isBilevel ? bilevelRowBytes * shape.height : sampleCount * shape.bitsPerSample / 8)
      guard end <= bytes.count else { throw Failure(.format, "the image ends too early") }
      return end
    }
  }

  private func readBinary(into pixels: UnsafeMutablePointer<UInt8>) {
    if isBilevel {
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let byte = bytes[start + y * bilevelRowBytes + x / 8]
          store(Int(~byte >> UInt8(7 - x % 8) & 1), at: y * shape.width + x, in: pixels)
        }
      }
    } else if shape.bitsPerSample == 8 {
      for i in 0..<sampleCount { store(Int(bytes[start + i]), at: i, in: pixels) }
    } else {
      for i in 0..<sampleCount {
        store(Int(bytes[start + 2 * i]) << 8 | Int(bytes[start + 2 * i + 1]), at: i, in: pixels)
      }
    }
  }

  /// Reads samples in text, and returns the offset behind them.
  private func readText(into pixels: UnsafeMutablePointer<UInt8>) throws(Failure) -> Int {
    var reader = TextReader(bytes: bytes, place: start)
    for i in 0..<sampleCount {
      store(isBilevel ? 1 - (try reader.digit()) : try reader.number(), at: i, in: pixels)
    }
    return reader.place
  }

  private func store(_ value: Int, at index: Int, in pixels: UnsafeMutablePointer<UInt8>) {
    let white = shape.bitsPerSample == 8 ? 255 : 65535
    let scaled = (min(max(value, 0), maximum) * white + maximum / 2) / maximum
    if white == 255 {
      pixels[index] = UInt8(truncatingIfNeeded: scaled)
    } else {
      UnsafeMutableRawPointer(pixels).storeBytes(
        of: UInt16(truncatingIfNeeded: scaled), toByteOffset: 2 * index, as: UInt16.self)
    }
  }
}

/// Numbers with blanks and comments between them.
private struct TextReader {
  let bytes: UnsafeBufferPointer<UInt8>
  private(set) var place: Int

  /// Reads a number. Fails with `format` when there is none, or one above 99 999 999.
  mutating func number() throws(Failure) -> Int {
    skip()
    var value = 0
    let first = place
    while place < bytes.count, 0x30...0x39 ~= bytes[place] {
      value = 10 * value + Int(bytes[place] - 0x30)
      place += 1
      guard value < 100_000_000 else { throw Failure(.format, "a number is too large") }
    }
    guard place > first else { throw Failure(.format, "the image ends too early, or holds what is not a number") }
    return value
  }

  /// Reads a 0 or 1, which need no blank between them.
  mutating func digit() throws(Failure) -> Int {
    skip()
    guard place < bytes.count, 0x30...0x31 ~= bytes[place] else {
      throw Failure(.format, "the image ends too early, or holds what is neither 0 nor 1")
    }
    place += 1
    return Int(bytes[place - 1] - 0x30)
  }

  private mutating func skip() {
    while place < bytes.count {
      if bytes[place] == 0x23 {
        while place < bytes.count, bytes[place] != 0x0a, bytes[place] != 0x0d { place += 1 }
      } else if PNM.isBlank(bytes[place]) {
        place += 1
      } else {
        return
      }
    }
  }
}
