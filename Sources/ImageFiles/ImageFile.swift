import Basics
import Glibc
import Imaging
import JPEG
import PNG
import TIFF

/// Image files of the kinds that cameras and data sets use: PNG, JPEG, TIFF and BMP.
package enum ImageFile {
  private static let extensions: Set<Substring> = ["png", "jpg", "jpeg", "tif", "tiff", "bmp"]

  /// Whether a file's name says that it is an image; hidden files are none.
  package static func isName(_ name: String) -> Bool {
    let parts = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, parts.first != "", let ending = parts.last else { return false }
    return extensions.contains(ending)
  }

  /// Reads a file as grey or RGB of 8 bits; its kind is told by its first bytes, not by its name.
  ///
  /// Fails with `io` when it cannot be read, with `format` when it is of no known kind or damaged, with `unsupported`, and
  /// with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture {
    switch try firstBytes(of: path) {
    case let bytes where bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]): try PNG.read(path: path)
    case let bytes where bytes.starts(with: [0xff, 0xd8, 0xff]): try JPEG.read(path: path)
    case let bytes where bytes.starts(with: [0x49, 0x49]) || bytes.starts(with: [0x4d, 0x4d]):
      try TIFF.read(path: path)
    case let bytes where bytes.starts(with: [0x42, 0x4d]): try BMP.read(path: path)
    default: throw Failure(.format, "\(path): not a PNG, JPEG, TIFF or BMP image")
    }
  }

  private static func firstBytes(of path: String) throws(Failure) -> [UInt8] {
    try RegularFile(path: path).read(upTo: 4)
  }
}
