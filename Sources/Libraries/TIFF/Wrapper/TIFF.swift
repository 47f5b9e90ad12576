import Basics
import CTIFFShim
import Imaging
import PictureDecoding

/// TIFF files, by libtiff.
package enum TIFF {
  /// Reads the first picture of a file, in strips or tiles and of any compression that libtiff knows: 1 to 8 and 16 bits,
  /// grey, palette, RGB, YCbCr, CMYK. Grey stays grey, all else becomes RGB. 16-bit samples are scaled to 8 and rounded;
  /// alpha is dropped, not composed.
  ///
  /// Fails with `io`, with `format` when it is damaged, cut short, or larger than 65535 pixels a side or 2^28 pixels, with
  /// `unsupported` for other samples (12 or 32 bits, floating point), and with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture { try Picture(path: path, decode: ctiff_read) }
}
