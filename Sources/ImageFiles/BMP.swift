import Basics
import Imaging

/// BMP files: 1, 4 or 8 bits with a palette, plain or run-length encoded; 16, 24 or 32 bits, with any channel masks. They are
/// not read by a library because the ones that read them refuse headers of version 4 and 5, which many programs write.
///
/// A palette of greys gives grey, everything else RGB. The fourth channel of 32-bit pixels is dropped. Channels of fewer bits
/// are expanded to 8 as in Pillow: 255 v / (2^bits - 1), truncated.
///
/// Source: Microsoft, "Bitmap Storage" and BITMAPV5HEADER (Windows GDI).
struct BMP {
  let shape: Picture.Shape
  private let bytes: UnsafeBufferPointer<UInt8>
  private let header: BMPHeader
  private let palette: BMPPalette?

  /// Reads the headers. Fails with `format` when they are damaged, or larger than 65535 pixels a side or 2^28 pixels, and
  /// with `unsupported` for pixels that are compressed as JPEG or PNG.
  ///
  /// - Parameter bytes: the file, which must outlive this.
  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
    self.bytes = bytes
    header = try BMPHeader(bytes)
    palette = header.bitsPerPixel <= 8 ? try BMPPalette(bytes, header) : nil
    shape = Picture.Shape(width: header.width, height: header.height, isGray: palette?.isGray ?? false)
  }

  /// Fails with `format` when the pixels are damaged or cut short, and with `outOfMemory`.
  var picture: Picture {
    get throws(Failure) {
      guard let palette else {
        let masks = header.masks
        let step = header.bitsPerPixel / 8
        try header.checkRows(bytes)
        return try Picture(shape) { pixels in
          each { x, y, row in
            let place = row + x * step
            let value = (0..<step).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
            for channel in 0..<3 { pixels[(y * shape.width + x) * 3 + channel] = masks[channel].sample(of: value) }
          }
        }
      }
      if header.isRunLengthEncoded {
        let indices = try BMPRuns(bytes, header).indices
        return try Picture(shape) { pixels in
          for y in 0..<shape.height {
            let row = (header.isTopDown ? y : shape.height - 1 - y) * shape.width
            for x in 0..<shape.width {
              palette.store(indices.base[row + x], at: y * shape.width + x, in: pixels)
            }
          }
        }
      }
      try header.checkRows(bytes)
      let bits = header.bitsPerPixel
      return try Picture(shape) { pixels in
        each { x, y, row in
          let bit = x * bits
          let index = bytes[row + bit / 8] >> UInt8(8 - bits - bit % 8) & UInt8((1 << bits) - 1)
          palette.store(index, at: y * shape.width + x, in: pixels)
        }
      }
    }
  }

  /// Calls the body for each pixel, with the offset of its row in the file.
  private func each(_ body: (_ x: Int, _ y: Int, _ row: Int) -> Void) {
    for y in 0..<shape.height {
      let row = header.pixelOffset + (header.isTopDown ? y : shape.height - 1 - y) * header.rowBytes
      for x in 0..<shape.width { body(x, y, row) }
    }
  }
}
