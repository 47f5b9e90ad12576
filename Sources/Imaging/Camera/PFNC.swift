import Basics

/// Pixel formats by the codes of the EMVA's Pixel Format Naming Convention, which GigE Vision, USB3 Vision and GenTL transmit.
/// A code's third byte is the number of bits that a pixel takes.
package enum PFNC {
  /// The number of a frame's format, and how many bits of its words count; 0 where the format alone says it.
  ///
  /// Formats of Y'CbCr other than BT.601's with Y from 16 to 235 are refused: they would need another conversion to colours.
  package static func format(code: UInt32) throws(Failure) -> (number: Int32, significantBits: UInt32) {
    switch code {
    case 0x0108_0001: (PixelFormat.gray8.rawValue, 0)  // Mono8
    case 0x0218_0014: (PixelFormat.rgb8.rawValue, 0)  // RGB8
    case 0x0218_0015: (PixelFormat.bgr8.rawValue, 0)  // BGR8
    case 0x0220_0016: (PixelFormat.rgba8.rawValue, 0)  // RGBa8
    case 0x0220_0017: (PixelFormat.bgra8.rawValue, 0)  // BGRa8
    case 0x0110_0003: (CameraFormat.mono16.rawValue, 10)  // Mono10
    case 0x0110_0005: (CameraFormat.mono16.rawValue, 12)  // Mono12
    case 0x0110_0025: (CameraFormat.mono16.rawValue, 14)  // Mono14
    case 0x0110_0007: (CameraFormat.mono16.rawValue, 0)  // Mono16
    case 0x010A_0046: (CameraFormat.mono10p.rawValue, 0)  // Mono10p
    case 0x010C_0047: (CameraFormat.mono12p.rawValue, 0)  // Mono12p
    case 0x010C_0004: (CameraFormat.mono10Packed.rawValue, 0)  // Mono10Packed
    case 0x010C_0006: (CameraFormat.mono12Packed.rawValue, 0)  // Mono12Packed
    case 0x0230_0018: (CameraFormat.rgb16.rawValue, 10)  // RGB10
    case 0x0230_001A: (CameraFormat.rgb16.rawValue, 12)  // RGB12
    case 0x0230_005E: (CameraFormat.rgb16.rawValue, 14)  // RGB14
    case 0x0230_0033: (CameraFormat.rgb16.rawValue, 0)  // RGB16
    case 0x0230_0019: (CameraFormat.bgr16.rawValue, 10)  // BGR10
    case 0x0230_001B: (CameraFormat.bgr16.rawValue, 12)  // BGR12
    case 0x0230_004A: (CameraFormat.bgr16.rawValue, 14)  // BGR14
    case 0x0230_004B: (CameraFormat.bgr16.rawValue, 0)  // BGR16
    case 0x0218_0021: (CameraFormat.rgb8Planar.rawValue, 0)  // RGB8_Planar
    case 0x0108_0009: (CameraFormat.bayerRG8.rawValue, 0)  // BayerRG8
    case 0x0108_0008: (CameraFormat.bayerGR8.rawValue, 0)  // BayerGR8
    case 0x0108_000A: (CameraFormat.bayerGB8.rawValue, 0)  // BayerGB8
    case 0x0108_000B: (CameraFormat.bayerBG8.rawValue, 0)  // BayerBG8
    case 0x0210_003E: (CameraFormat.yuy2.rawValue, 0)  // YCbCr601_422_8
    default: throw Failure(.unsupported, "frames cannot be of PFNC's pixel format 0x\(hexadecimal(code))")
    }
  }

  /// Eight digits, as the convention writes codes.
  private static func hexadecimal(_ code: UInt32) -> String {
    let digits = String(code, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
