import Basics
import CJPEGShim
import Imaging
import PictureDecoding

/// JPEG files, by libjpeg-turbo.
package enum JPEG {
  /// Reads a file: grey stays grey, YCbCr, RGB and CMYK become RGB, with Pillow's bytes. An orientation in Exif data is not
  /// applied: rows are as the sensor gave them.
  ///
  /// Fails with `io`, with `format` when it is damaged, cut short, or larger than 65535 pixels a side or 2^28 pixels, and
  /// with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture { try Picture(path: path, decode: cjpeg_read) }
}
