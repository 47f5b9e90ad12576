import Basics
import CJPEGShim
import Imaging
import PictureDecoding

/// JPEG files, by libjpeg-turbo, which is loaded when the first one is read.
package enum JPEG {
  /// Reads a file: grey stays grey, YCbCr, RGB and CMYK become RGB, with Pillow's bytes. An orientation in Exif data is not
  /// applied: rows are as the sensor gave them.
  ///
  /// Fails with `io`, with `format` when it is damaged, cut short, or larger than 65535 pixels a side or 2^28 pixels, with
  /// `unsupported` for samples of more than 8 bits and when the library is not installed, and with `outOfMemory`.
  package static func read(path: String) throws(Failure) -> Picture { try Picture(path: path, decode: cjpeg_read) }

  /// The shape of the picture that reading a file gives, from its header alone.
  package static func readShape(path: String) throws(Failure) -> Picture.Shape {
    try Picture.Shape(path: path, decode: cjpeg_read)
  }
}
