import Basics
import CWebPShim
import Imaging
import PictureDecoding

/// WebP files, by libwebp, which is loaded when the first one is read.
package enum WebP {
  /// Reads a file, lossy or lossless, as RGB; alpha is dropped, not composed.
  ///
  /// Fails with `io`, with `format` when it is damaged or cut short, with `unsupported` for animations and when the library
  /// is not installed, and with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture { try Picture(path: path, decode: cwebp_read) }

  /// The shape of the picture that reading a file gives, from its header alone.
  package static func readShape(path: String) throws(Failure) -> Picture.Shape {
    try Picture.Shape(path: path, decode: cwebp_read)
  }
}
