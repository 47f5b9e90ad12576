/// The layout of a pixel of interleaved 8-bit samples, which needs no unpacking; all other layouts are
/// ``CameraFormat``s. The numbers are those of `CFLOWAD_PIXEL_` in the C header.
package enum PixelFormat: Int32, Sendable, CaseIterable {
  /// One byte, used as R = G = B.
  case gray8 = 1
  case rgb8 = 2
  /// OpenCV's order.
  case bgr8 = 3
  /// Alpha is ignored.
  case rgba8 = 4
  /// Alpha is ignored.
  case bgra8 = 5

  package var bytesPerPixel: Int {
    switch self {
    case .gray8: 1
    case .rgb8, .bgr8: 3
    case .rgba8, .bgra8: 4
    }
  }

  /// The number of channels without alpha: 1 or 3.
  package var channelCount: Int { self == .gray8 ? 1 : 3 }

  /// Whether the first byte of a pixel is blue.
  var isBlueFirst: Bool { self == .bgr8 || self == .bgra8 }
}
