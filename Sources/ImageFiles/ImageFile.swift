import Basics
import Imaging
import JPEG
import PNG
import TIFF
import WebP

/// Image files of the kinds that cameras and data sets use: PNG, JPEG, TIFF, BMP, WebP and PNM. The tool and the
/// library share this reader, so that a file has the same score in both.
package enum ImageFile {
  /// The endings of kinds that are read, and of others: such a file is tried, and fails with a message, rather than
  /// left out silently.
  private static let extensions: Set<Substring> = [
    "png", "jpg", "jpeg", "jpe", "jfif", "tif", "tiff", "bmp", "dib", "webp", "pgm", "ppm", "pbm", "pnm",
    "gif", "apng", "heic", "heif", "avif", "jp2", "j2k", "jpx", "jxl", "exr", "hdr", "tga", "psd", "pcx", "pam", "pfm",
    "qoi", "dng", "cr2", "nef", "arw",
  ]

  /// Whether a file is an image by its name; hidden files are not.
  package static func isName(_ name: String) -> Bool {
    let parts = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, parts.first != "", let ending = parts.last else { return false }
    return extensions.contains(ending)
  }

  /// The shape of the picture that reading a file gives, from its header alone, so that damage behind the header is not
  /// noticed. Errors: see ``read(path:)``.
  package static func readShape(path: String) throws(Failure) -> Picture.Shape {
    switch try Kind(path: path) {
    case .png: try PNG.readShape(path: path, depth: .stored)
    case .jpeg: try JPEG.readShape(path: path)
    case .tiff: try TIFF.readShape(path: path)
    case .bmp: try bytes(of: path, upTo: largestHeader) { (bytes) throws(Failure) in try BMP(bytes).shape }
    case .webp, .lossyWebP: try WebP.readShape(path: path)
    case .pnm: try bytes(of: path, upTo: largestHeader) { (bytes) throws(Failure) in try PNM(bytes).shape }
    }
  }

  /// Reads a file as grey or RGB, with 16 bits where it has more than 8. Its first bytes decide its kind, not its name.
  /// Alpha is dropped, not composed. A TIFF file's picture is turned by its orientation, which is part of how its rows
  /// are stored; an orientation in Exif data is not applied.
  ///
  /// Fails with `io` when it cannot be read, with `format` when it is of no known kind or damaged, with `unsupported`,
  /// also for files of several pictures, and with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture {
    switch try Kind(path: path) {
    case .png: try PNG.read(path: path, depth: .stored)
    case .jpeg: try JPEG.read(path: path)
    case .tiff: try TIFF.read(path: path)
    case .bmp: try bytes(of: path) { (bytes) throws(Failure) in try BMP(bytes).picture }
    case .webp, .lossyWebP: try WebP.read(path: path)
    case .pnm: try bytes(of: path) { (bytes) throws(Failure) in try PNM(bytes).picture }
    }
  }

  /// How long a header may be in the kinds that are read without a library, comments and palette included.
  private static let largestHeader = 1 << 16

  /// Calls the body with the bytes of a file of a kind that is read without a library.
  private static func bytes<Result>(
    of path: String, upTo limit: Int = .max, _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let file = try RegularFile(path: path)
    do throws(Failure) {
      guard file.count <= 1 << 33 else { throw Failure(.format, "the file is larger than any image that is read") }
      let bytes = try Buffer<UInt8>(count: min(file.count, limit), isBrief: true)
      try file.read(at: 0, into: UnsafeMutableRawBufferPointer(start: bytes.base, count: bytes.count))
      return try body(UnsafeBufferPointer(start: bytes.base, count: bytes.count))
    } catch { throw error.within(path) }
  }
}

extension ImageFile {
  /// The kind of a file, by its first bytes.
  enum Kind {
    case png, jpeg, tiff, bmp, webp, lossyWebP, pnm

    /// Fails with `io`, with `unsupported` for an image of another kind, and with `format`.
    init(path: String) throws(Failure) {
      let file = try RegularFile(path: path)
      let bytes: [UInt8]
      do throws(Failure) { bytes = try file.read(upTo: 16) } catch { throw error.within(path) }
      func begins(_ text: StaticString, at place: Int = 0) -> Bool {
        text.withUTF8Buffer { bytes.dropFirst(place).starts(with: $0) }
      }
      if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
        self = .png
      } else if bytes.starts(with: [0xff, 0xd8, 0xff]) {
        self = .jpeg
      } else if begins("II") || begins("MM") {
        self = .tiff
      } else if begins("BM") {
        self = .bmp
      } else if begins("RIFF"), begins("WEBP", at: 8) {
        self = begins("VP8L", at: 12) ? .webp : .lossyWebP
      } else if bytes.count > 2, bytes[0] == 0x50, 0x31...0x36 ~= bytes[1], PNM.isBlank(bytes[2]) || bytes[2] == 0x23 {
        self = .pnm
      } else {
        let other: StaticString? =
          if begins("GIF8") {
            "GIF"
          } else if begins("ftypavi", at: 4) {
            "AVIF"
          } else if begins("ftyp", at: 4) {
            "HEIF"
          } else if begins("jP  ", at: 4) || bytes.starts(with: [0xff, 0x4f, 0xff, 0x51]) {
            "JPEG 2000"
          } else if begins("JXL ", at: 4) || bytes.starts(with: [0xff, 0x0a]) {
            "JPEG XL"
          } else if bytes.starts(with: [0x76, 0x2f, 0x31, 0x01]) {
            "OpenEXR"
          } else if begins("P7\n") || begins("PF\n") || begins("Pf\n") {
            "PAM or PFM"
          } else if begins("8BPS") {
            "Photoshop"
          } else if begins("qoif") {
            "QOI"
          } else {
            nil
          }
        guard let other else { throw Failure(.format, "\(path): not a PNG, JPEG, TIFF, BMP, WebP or PNM image") }
        throw Failure(.unsupported, "\(path): \(other) images are not read, but PNG, JPEG, TIFF, BMP, WebP and PNM")
      }
    }
  }
}
