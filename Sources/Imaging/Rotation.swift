import Basics

/// Rotation as in the original's augmentation: torchvision's `RandomRotation` on a PIL image, that is Pillow's
/// `Image.rotate(degrees)`: counter-clockwise about the centre, nearest neighbour, size kept, black outside.
package enum Rotation {
  /// Rotates height x width RGB8 pixels, rows without gaps, into another memory of the same size. The bytes are
  /// Pillow's. Sides are 1...65535. An angle that is not finite counts as 0.
  package static func rotate(
    _ rgb: UnsafePointer<UInt8>, width: Int, height: Int, degrees: Double, into output: UnsafeMutablePointer<UInt8>
  ) {
    let map = AffineMap(degrees: degrees.isFinite ? degrees : 0, width: width, height: height)
    if map.fitsFixedPoint(width: width, height: height) {
      rotateFixed(rgb, width, height, map, output)
    } else {
      rotateFloating(rgb, width, height, map, output)
    }
  }

  /// Pillow's `affine_fixed`: source positions with 16 fractional bits. Sums wrap, because they may overflow beyond the last pixel,
  /// where nothing reads them.
  private static func rotateFixed(
    _ rgb: UnsafePointer<UInt8>, _ width: Int, _ height: Int, _ map: AffineMap,
    _ output: UnsafeMutablePointer<UInt8>
  ) {
    func fixed(_ v: Double) -> Int32 { Int32(truncatingIfNeeded: Int((v * 65536 + 0.5).rounded(.down))) }
    let (xx, xy, yx, yy) = (fixed(map.xx), fixed(map.xy), fixed(map.yx), fixed(map.yy))
    var rowX = fixed(map.startX)
    var rowY = fixed(map.startY)
    var target = output
    for _ in 0..<height {
      var x = rowX
      var y = rowY
      for _ in 0..<width {
        copy(rgb, width, height, Int(x >> 16), Int(y >> 16), target)
        x &+= xx
        y &+= yx
        target += 3
      }
      rowX &+= xy
      rowY &+= yy
    }
  }

  /// Pillow's `ImagingTransformAffine`, for positions of 32768 and more.
  private static func rotateFloating(
    _ rgb: UnsafePointer<UInt8>, _ width: Int, _ height: Int, _ map: AffineMap,
    _ output: UnsafeMutablePointer<UInt8>
  ) {
    var rowX = map.startX
    var rowY = map.startY
    var target = output
    for _ in 0..<height {
      var x = rowX
      var y = rowY
      for _ in 0..<width {
        copy(rgb, width, height, x < 0 ? -1 : Int(x), y < 0 ? -1 : Int(y), target)
        x += map.xx
        y += map.yx
        target += 3
      }
      rowX += map.xy
      rowY += map.yy
    }
  }

  @inline(__always)
  private static func copy(
    _ rgb: UnsafePointer<UInt8>, _ width: Int, _ height: Int, _ x: Int, _ y: Int,
    _ target: UnsafeMutablePointer<UInt8>
  ) {
    let isInside = x >= 0 && x < width && y >= 0 && y < height
    let source = rgb + (isInside ? 3 &* (y &* width &+ x) : 0)
    target[0] = isInside ? source[0] : 0
    target[1] = isInside ? source[1] : 0
    target[2] = isInside ? source[2] : 0
  }
}

/// Where a pixel of the rotated image comes from: source x = xx * x + xy * y + x0, source y = yx * x + yy * y + y0. It is the
/// matrix of `Image.rotate`, with its rounding and its special angles.
struct AffineMap {
  let xx: Double
  let xy: Double
  let x0: Double
  let yx: Double
  let yy: Double
  let y0: Double

  init(degrees: Double, width: Int, height: Int) {
    // Python's %: the remainder has the divisor's sign.
    let remainder = fmod(degrees, 360)
    let angle = -((remainder < 0 ? remainder + 360 : remainder) * (.pi / 180))
    xx = Self.rounded(cos(angle))
    xy = Self.rounded(sin(angle))
    yx = Self.rounded(-sin(angle))
    yy = Self.rounded(cos(angle))
    let (centerX, centerY) = (Double(width) / 2, Double(height) / 2)
    x0 = xx * -centerX + xy * -centerY + 0 + centerX
    y0 = yx * -centerX + yy * -centerY + 0 + centerY
  }

  /// Source position of the first pixel's centre.
  var startX: Double { x0 + xx * 0.5 + xy * 0.5 }
  var startY: Double { y0 + yx * 0.5 + yy * 0.5 }

  /// Pillow's `check_fixed` on the four corners.
  func fitsFixedPoint(width: Int, height: Int) -> Bool {
    let corners = [(0, 0), (width, height), (0, height), (width, 0)]
    return corners.allSatisfy { corner in
      let (x, y) = (Double(corner.0), Double(corner.1))
      return abs(x * xx + y * xy + x0) < 32768 && abs(x * yx + y * yy + y0) < 32768
    }
  }

  /// Python's `round(v, 15)`, correctly rounded, for v within -1...1: the fused multiply-add finds on which side of the
  /// half the exact product lies.
  private static func rounded(_ v: Double) -> Double {
    let one = 1e15
    var units = (v * one).rounded(.toNearestOrEven)
    let rest = (-units).addingProduct(v, one)
    if rest > 0.5 { units += 1 } else if rest < -0.5 { units -= 1 }
    return units / one
  }
}
