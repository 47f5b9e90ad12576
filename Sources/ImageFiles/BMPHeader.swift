import Basics

/// The headers of a BMP file of any version.
struct BMPHeader {
  let width: Int
  let height: Int
  let isTopDown: Bool
  let bitsPerPixel: Int
  let isRunLengthEncoded: Bool
  let pixelOffset: Int
  let rowBytes: Int
  let paletteOffset: Int
  /// The bytes of a palette's entry.
  let entryBytes: Int
  let entryCount: Int
  /// The masks of red, green and blue.
  let masks: [Mask]

  /// The bits of a channel.
  struct Mask {
    let bits: UInt32

    func sample(of pixel: UInt32) -> UInt8 {
      guard bits != 0 else { return 0 }
      let shift = UInt32(bits.trailingZeroBitCount)
      return UInt8(truncatingIfNeeded: UInt64((pixel & bits) >> shift) * 255 / UInt64(bits >> shift))
    }

    /// Whether the bits are contiguous.
    var isRun: Bool {
      guard bits != 0 else { return true }
      let run = UInt64(bits >> UInt32(bits.trailingZeroBitCount)) + 1
      return run & (run - 1) == 0
    }
  }

  private enum Compression { static let none = 0, runs8 = 1, runs4 = 2, masks = 3, masksWithAlpha = 6 }

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
    guard bytes.count >= 26, bytes.starts(with: [0x42, 0x4d]) else { throw Failure(.format, "not a BMP image") }
    func word(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
    func number(_ offset: Int) -> Int { word(offset) | word(offset + 2) << 16 }
    func signed(_ offset: Int) -> Int { Int(Int32(truncatingIfNeeded: number(offset))) }
    let size = number(14)
    let isCore = size == 12
    guard isCore || (40...1024).contains(size), bytes.count >= 14 + size else {
      throw Failure(.format, "a BMP image with an unknown header")
    }
    let signedHeight = isCore ? word(20) : signed(22)
    width = isCore ? word(18) : signed(18)
    height = abs(signedHeight)
    isTopDown = signedHeight < 0
    bitsPerPixel = isCore ? word(24) : word(28)
    pixelOffset = number(10)
    entryBytes = isCore ? 3 : 4
    guard (1...65535).contains(width), (1...65535).contains(height), width * height <= 1 << 28 else {
      throw Failure(.format, "the image is empty, wider or taller than 65535, or above 2^28 pixels")
    }
    guard [1, 4, 8, 16, 24, 32].contains(bitsPerPixel) else {
      throw Failure(.unsupported, "a BMP image of \(bitsPerPixel) bits a pixel is not read")
    }
    let compression = isCore ? Compression.none : number(30)
    isRunLengthEncoded =
      compression == Compression.runs8 && bitsPerPixel == 8 || compression == Compression.runs4 && bitsPerPixel == 4
    let hasMasks =
      [Compression.masks, Compression.masksWithAlpha].contains(compression) && [16, 32].contains(bitsPerPixel)
    guard compression == Compression.none || isRunLengthEncoded || hasMasks else {
      throw Failure(
        .unsupported, "a BMP image of \(bitsPerPixel) bits a pixel with compression \(compression) is not read")
    }
    // Masks follow the 40 bytes of the first version, and are within the later ones.
    let masksBehind = hasMasks && size == 40 ? (compression == Compression.masksWithAlpha ? 16 : 12) : 0
    if hasMasks {
      guard bytes.count >= 66 else { throw Failure(.format, "the image ends too early") }
      masks = [54, 58, 62].map { Mask(bits: UInt32(truncatingIfNeeded: number($0))) }
      guard masks.allSatisfy(\.isRun) else { throw Failure(.format, "a channel's mask is not one run of bits") }
    } else {
      masks = (bitsPerPixel == 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff]).map { Mask(bits: $0) }
    }
    paletteOffset = 14 + size + masksBehind
    let entries = isCore ? 0 : number(46)
    entryCount = entries == 0 ? 1 << min(bitsPerPixel, 8) : min(entries, 256)
    rowBytes = (width * bitsPerPixel + 31) / 32 * 4
  }

  /// Fails when not all rows of an image without compression are in the file. The last one may lack its padding.
  func checkRows(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
    let end = pixelOffset + (height - 1) * rowBytes + (width * bitsPerPixel + 7) / 8
    guard end <= bytes.count else { throw Failure(.format, "the image ends too early") }
  }
}

/// The colours of images with up to 8 bits a pixel; entries that the file lacks are black.
struct BMPPalette {
  private var colors = [SIMD4<UInt8>](repeating: SIMD4(0, 0, 0, 0), count: 256)
  let isGray: Bool

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ header: BMPHeader) throws(Failure) {
    guard header.paletteOffset + header.entryCount * header.entryBytes <= bytes.count else {
      throw Failure(.format, "the palette ends too early")
    }
    for index in 0..<header.entryCount {
      let entry = header.paletteOffset + index * header.entryBytes
      colors[index] = SIMD4(bytes[entry + 2], bytes[entry + 1], bytes[entry], 0)
    }
    isGray = colors.allSatisfy { $0.x == $0.y && $0.y == $0.z }
  }

  /// Writes the colour of an index as a pixel.
  func store(_ index: UInt8, at pixel: Int, in pixels: UnsafeMutablePointer<UInt8>) {
    let color = colors[Int(index)]
    if isGray { return pixels[pixel] = color.x }
    for channel in 0..<3 { pixels[3 * pixel + channel] = color[channel] }
  }
}

/// The pixels of a run-length encoded BMP image (RLE8, RLE4), as indices of its palette.
struct BMPRuns {
  /// Height x width, rows in the file's order. Pixels that runs leave out are 0.
  let indices: Buffer<UInt8>

  /// Fails with `format` when the runs leave the image or the file ends before they do.
  init(_ bytes: UnsafeBufferPointer<UInt8>, _ header: BMPHeader) throws(Failure) {
    let (width, height) = (header.width, header.height)
    indices = try Buffer<UInt8>(count: width * height)
    let isNibbles = header.bitsPerPixel == 4
    var place = header.pixelOffset
    var (x, y) = (0, 0)

    func next() throws(Failure) -> UInt8 {
      guard place < bytes.count else { throw Failure(.format, "the image ends too early") }
      defer { place += 1 }
      return bytes[place]
    }
    func put(_ count: Int, _ index: (Int) throws(Failure) -> UInt8) throws(Failure) {
      guard y < height, count <= width - x else { throw Failure(.format, "a run of pixels is longer than its row") }
      for i in 0..<count { indices.base[y * width + x + i] = try index(i) }
      x += count
    }
    func nibble(_ byte: UInt8, _ i: Int) -> UInt8 { isNibbles ? (i % 2 == 0 ? byte >> 4 : byte & 15) : byte }

    while true {
      let count = Int(try next())
      let value = try next()
      switch (count, value) {
      case (0, 0): (x, y) = (0, y + 1)
      case (0, 1): return
      case (0, 2):
        x += Int(try next())
        y += Int(try next())
        guard x <= width, y <= height else { throw Failure(.format, "a run of pixels leaves the image") }
      case (0, _):
        // Pixels without encoding, padded to whole words.
        let first = place
        var byte: UInt8 = 0
        try put(Int(value)) { (i) throws(Failure) in
          if !isNibbles || i % 2 == 0 { byte = try next() }
          return nibble(byte, i)
        }
        if (place - first) % 2 != 0 { place += 1 }
      default: try put(count) { nibble(value, $0) }
      }
    }
  }
}
