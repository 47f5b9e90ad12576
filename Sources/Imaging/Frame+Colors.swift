extension Frame {
  /// Copies the picture with red first and without gaps: 1 byte a pixel for grey, 3 otherwise; alpha is left out.
  package func copyColors(into pixels: UnsafeMutablePointer<UInt8>) {
    let step = format.bytesPerPixel
    var target = pixels
    for y in 0..<height {
      var source = row(y)
      for _ in 0..<width {
        let color = format.color(source)
        target[0] = color.x
        if format != .gray8 {
          target[1] = color.y
          target[2] = color.z
        }
        source += step
        target += format.channelCount
      }
    }
  }
}

extension PixelFormat {
  /// R, G, B of one pixel.
  @inline(__always)
  package func color(_ pixel: UnsafePointer<UInt8>) -> SIMD3<UInt8> {
    switch self {
    case .gray8: SIMD3(repeating: pixel[0])
    case .rgb8, .rgba8: SIMD3(pixel[0], pixel[1], pixel[2])
    case .bgr8, .bgra8: SIMD3(pixel[2], pixel[1], pixel[0])
    }
  }
}
