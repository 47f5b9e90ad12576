import Basics

/// Reads the rows of any frame as 8-bit pixels: 1 byte for grey formats, otherwise R, G, B. Alpha is left out.
///
/// It keeps a table for the last frame's bit depth, and allocates only when it is made. One call at a time.
package final class RowReader {
  private let window: Window
  /// Maps samples of `depth` bits to 8 bits.
  private let table: Buffer<UInt8>
  private var depth = 0

  package init(window: Window = .full) throws(Failure) {
    self.window = window
    table = try Buffer(count: 1 << 16)
  }

  /// Prepares for the rows of a frame.
  package func prepare(_ frame: Frame) {
    guard let bits = frame.camera?.bits, bits > 8, bits != depth else { return }
    window.fill(table.base, bits: bits)
    depth = bits
  }

  /// Writes row `y` of the frame that it was prepared for: `frame.width` pixels.
  package func read(_ frame: Frame, _ y: Int, into row: UnsafeMutablePointer<UInt8>) {
    if let image = frame.camera {
      let table = image.bits > 8 ? UnsafePointer(table.base) : nil
      image.unpack(row: image.memoryRow(y), count: frame.width, table: table, into: row)
    } else {
      copyColors(frame.row(y), frame.format, count: frame.width, into: row)
    }
  }

  private func copyColors(
    _ pixels: UnsafePointer<UInt8>, _ format: PixelFormat, count: Int, into row: UnsafeMutablePointer<UInt8>
  ) {
    if format == .gray8 { return row.update(from: pixels, count: count) }
    let step = format.bytesPerPixel
    let (red, blue) = format.isBlueFirst ? (2, 0) : (0, 2)
    for x in 0..<count {
      row[3 &* x] = pixels[step &* x &+ red]
      row[3 &* x &+ 1] = pixels[step &* x &+ 1]
      row[3 &* x &+ 2] = pixels[step &* x &+ blue]
    }
  }
}
