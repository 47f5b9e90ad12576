import Basics
import Imaging

/// Uncompressed BMP files: 1, 4 or 8 bits with a palette, 24 or 32 bits. Own code, because the libraries that read them
/// refuse the headers of version 4 and 5, which many programs write.
///
/// Source: Microsoft, "Bitmap Storage" and BITMAPV5HEADER (Windows GDI).
enum BMP {
  private static let maximumSide = 65535
  private static let maximumPixels = 1 << 28

  /// Reads a file. A palette of greys alone gives grey, all else RGB; the fourth byte of 32-bit pixels is dropped.
  ///
  /// Fails with `io`, with `format` when it is damaged, cut short, or larger than 65535 pixels a side or 2^28 pixels, with
  /// `unsupported` for 16 bits, compressed pixels and unusual channel masks, and with `outOfMemory`.
  static func read(path: String) throws(Failure) -> Picture {
    let file = try RegularFile(path: path)
    do throws(Failure) {
      return try picture(file.read(upTo: file.size))
    } catch {
      throw error.kind == .io ? error : error.within(path)
    }
  }

  static func picture(_ bytes: [UInt8]) throws(Failure) -> Picture {
    let header = try Header(bytes)
    let palette = try Palette(bytes, header)
    let (width, height) = (header.width, header.height)
    let isGray = palette?.isGray ?? false
    let channels = isGray ? 1 : 3
    let count = width * height * channels
    _ = try Buffer<UInt8>(count: count)
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { pixels, initialized in
      for y in 0..<height {
        let start = header.pixelOffset + (header.isTopDown ? y : height - 1 - y) * header.rowBytes
        for x in 0..<width {
          let color = header.color(bytes, row: start, x, palette)
          for channel in 0..<channels { pixels[(y * width + x) * channels + channel] = color[channel] }
        }
      }
      initialized = count
    }
    return Picture(width: width, height: height, isGray: isGray, pixels: pixels)
  }

  /// The headers, checked: all pixels they speak of are in the file.
  private struct Header {
    let width: Int
    let height: Int
    let isTopDown: Bool
    let bitsPerPixel: Int
    let pixelOffset: Int
    let rowBytes: Int
    let paletteOffset: Int
    /// Bytes of a palette's entry.
    let entryBytes: Int
    let entryCount: Int

    init(_ bytes: [UInt8]) throws(Failure) {
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
      paletteOffset = 14 + size
      guard (1...maximumSide).contains(width), (1...maximumSide).contains(height), width * height <= maximumPixels
      else { throw Failure(.format, "the image is empty, wider or taller than 65535, or above 2^28 pixels") }
      guard [1, 4, 8, 24, 32].contains(bitsPerPixel) else {
        throw Failure(.unsupported, "a BMP image of \(bitsPerPixel) bits a pixel is not read")
      }
      let compression = isCore ? 0 : number(30)
      // Masks come after the 40 bytes of the first version and within the later ones.
      let hasUsualMasks =
        compression == 3 && bitsPerPixel == 32 && bytes.count >= 66 && number(54) == 0xff0000
        && number(58) == 0xff00 && number(62) == 0xff
      guard compression == 0 || hasUsualMasks else {
        throw Failure(.unsupported, "a BMP image with compressed pixels or unusual channel masks is not read")
      }
      let entries = isCore ? 0 : number(46)
      entryCount = entries == 0 ? 1 << min(bitsPerPixel, 8) : min(entries, 256)
      rowBytes = (width * bitsPerPixel + 31) / 32 * 4
      // The last row may lack the bytes that fill it up.
      let end = pixelOffset + (height - 1) * rowBytes + (width * bitsPerPixel + 7) / 8
      guard end <= bytes.count else { throw Failure(.format, "the image ends too early") }
    }

    /// R, G, B of a pixel.
    func color(_ bytes: [UInt8], row: Int, _ x: Int, _ palette: Palette?) -> SIMD4<UInt8> {
      guard let palette else {
        let pixel = row + x * (bitsPerPixel / 8)
        return SIMD4(bytes[pixel + 2], bytes[pixel + 1], bytes[pixel], 0)
      }
      let bit = x * bitsPerPixel
      let index = bytes[row + bit / 8] >> UInt8(8 - bitsPerPixel - bit % 8) & UInt8((1 << bitsPerPixel) - 1)
      return palette.colors[Int(index)]
    }
  }

  /// The colours of images with up to 8 bits a pixel; entries that the file lacks are black.
  private struct Palette {
    private(set) var colors = [SIMD4<UInt8>](repeating: SIMD4(0, 0, 0, 0), count: 256)
    let isGray: Bool

    init?(_ bytes: [UInt8], _ header: Header) throws(Failure) {
      guard header.bitsPerPixel <= 8 else { return nil }
      guard header.paletteOffset + header.entryCount * header.entryBytes <= bytes.count else {
        throw Failure(.format, "the palette ends too early")
      }
      for index in 0..<header.entryCount {
        let entry = header.paletteOffset + index * header.entryBytes
        colors[index] = SIMD4(bytes[entry + 2], bytes[entry + 1], bytes[entry], 0)
      }
      isGray = colors.allSatisfy { $0.x == $0.y && $0.y == $0.z }
    }
  }
}
