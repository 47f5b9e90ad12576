import Basics
import PNG

/// An image made small for a page, as the bytes of a PNG file.
enum Thumbnail {
  /// The longest side of an image in a page, in pixels.
  private static let longestSide = 480

  /// Averages squares of pixels, so that a page with large frames opens.
  ///
  /// - Parameter rgb: height x width RGB8 pixels.
  static func png(_ rgb: UnsafePointer<UInt8>, width: Int, height: Int) throws(Failure) -> [UInt8] {
    let factor = min((max(width, height) + longestSide - 1) / longestSide, width, height)
    guard factor > 1 else {
      return try PNG.encode(pixels: rgb, width: width, height: height, stride: 3 * width, channels: 3)
    }
    let small = try Buffer<UInt8>(count: 3 * (width / factor) * (height / factor))
    var place = 0
    for y in 0..<height / factor {
      for x in 0..<width / factor {
        for c in 0..<3 {
          var sum = 0
          for j in 0..<factor {
            for i in 0..<factor { sum += Int(rgb[3 * ((y * factor + j) * width + x * factor + i) + c]) }
          }
          small.base[place] = UInt8(sum / (factor * factor))
          place += 1
        }
      }
    }
    return try PNG.encode(
      pixels: small.base, width: width / factor, height: height / factor, stride: 3 * (width / factor), channels: 3)
  }
}
