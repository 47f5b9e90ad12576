/// Layouts of frames that are not rows of interleaved 8-bit pixels. The numbers are those of `CFLOWAD_PIXEL_` in the C
/// header; names as in GenICam's PFNC and the GigE Vision standard.
package enum CameraFormat: Int32, Sendable, CaseIterable {
  /// Words of 16 bits in the host's order; how many of their bits count is the frame's `significantBits`.
  case mono16 = 10
  /// 10 bits a pixel without gaps, least significant bits first.
  case mono10p = 11
  /// 12 bits a pixel without gaps, least significant bits first.
  case mono12p = 12
  /// GigE Vision: two pixels in three bytes, their lowest bits in the middle one.
  case mono10Packed = 13
  case mono12Packed = 14
  /// Three words of 16 bits.
  case rgb16 = 20
  case bgr16 = 21
  /// Three planes of 8 bits: red, green, blue.
  case rgb8Planar = 22
  /// One 8-bit sample a pixel behind a colour filter; the name is that of the first two pixels of the memory's first row,
  /// which is the last of an image that lies bottom up.
  case bayerRG8 = 30
  case bayerGR8 = 31
  case bayerGB8 = 32
  case bayerBG8 = 33
  /// 8-bit luma, and a plane of U, V for each 2 x 2 pixels.
  case nv12 = 40
  /// Y0 U Y1 V for each two pixels.
  case yuy2 = 41

  var isGray: Bool {
    switch self {
    case .mono16, .mono10p, .mono12p, .mono10Packed, .mono12Packed: true
    default: false
    }
  }

  /// The number of bits of a sample. For words of 16 bits it is the most that a sample may have.
  var bits: Int {
    switch self {
    case .mono16, .rgb16, .bgr16: 16
    case .mono10p, .mono10Packed: 10
    case .mono12p, .mono12Packed: 12
    case .rgb8Planar, .bayerRG8, .bayerGR8, .bayerGB8, .bayerBG8, .nv12, .yuy2: 8
    }
  }

  /// Whether a frame may say that fewer bits are used.
  var hasChoiceOfBits: Bool { bits == 16 }

  var isBayer: Bool { Self.bayerRG8.rawValue...Self.bayerBG8.rawValue ~= rawValue }

  /// The smallest width and height. It is 3 for Bayer formats, whose pixels are interpolated from their neighbours.
  var minimumSide: Int { isBayer ? 3 : 1 }

  var planeCount: Int {
    switch self {
    case .rgb8Planar: 3
    case .nv12: 2
    default: 1
    }
  }

  /// The bytes of a plane's row, for a width up to 65535.
  func rowBytes(_ width: Int, plane: Int) -> Int {
    switch self {
    case .mono16: 2 * width
    case .mono10p: (10 * width + 7) / 8
    case .mono12p, .mono10Packed, .mono12Packed: (12 * width + 7) / 8
    case .rgb16, .bgr16: 6 * width
    case .rgb8Planar, .bayerRG8, .bayerGR8, .bayerGB8, .bayerBG8: width
    case .nv12: plane == 0 ? width : (width + 1) / 2 * 2
    case .yuy2: (width + 1) / 2 * 4
    }
  }

  /// The number of a plane's rows.
  func rows(_ height: Int, plane: Int) -> Int { self == .nv12 && plane == 1 ? (height + 1) / 2 : height }
}
