import Basics
import CTIFFShim
import Imaging
import PictureDecoding

/// TIFF files, by libtiff, which is loaded when the first one is read.
package enum TIFF {
  /// Reads a file's picture, in strips or tiles and of any compression that libtiff knows: 1 to 8 and 16 bits, grey,
  /// palette, RGB, YCbCr, CMYK. Grey stays grey, all else becomes RGB; alpha is dropped, not composed. The picture is
  /// turned by its orientation.
  ///
  /// Fails with `io`, with `format` when it is damaged, cut short, or larger than 65535 pixels a side or 2^28 pixels,
  /// with `unsupported` for other samples (12 or 32 bits, signed, floating point), for files of several pages and when
  /// the library is not installed, and with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture { try Picture(path: path, decode: ctiff_read) }

  /// The shape of the picture that reading a file gives, from its header alone.
  package static func readShape(path: String) throws(Failure) -> Picture.Shape {
    try Picture.Shape(path: path, decode: ctiff_read)
  }
}
