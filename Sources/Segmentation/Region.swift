/// A connected region of a map where it is above a threshold. Pixel (x, y) is the square from (x, y) to (x + 1, y + 1).
package struct Region: BitwiseCopyable, Sendable, Equatable {
  /// Bounding box in pixels.
  package var x: Int
  package var y: Int
  package var width: Int
  package var height: Int
  /// The number of pixels, without holes.
  package var area: Int
  /// Mean of the pixels' centres.
  package var centroidX: Float
  package var centroidY: Float
  /// Largest value, and the first pixel by rows that has it.
  package var peak: Float
  package var peakX: Int
  package var peakY: Int
  /// Mean value.
  package var mean: Float
  /// The leftmost pixel of the first row: where the contour begins.
  let firstX: Int

  /// - Parameters:
  ///   - pixels: y * width + x of the image; not empty, the first row's leftmost pixel first.
  ///   - map: the image's values.
  init(_ pixels: UnsafeBufferPointer<UInt32>, map: UnsafePointer<Float>, imageWidth: Int) {
    var (left, right, top, bottom) = (Int.max, 0, Int.max, 0)
    var (sumX, sumY, sum) = (0, 0, 0.0)
    var (peak, peakPixel) = (-Float.infinity, Int.max)
    for pixel in pixels {
      let index = Int(pixel)
      let (y, x) = index.quotientAndRemainder(dividingBy: imageWidth)
      (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
      (sumX, sumY, sum) = (sumX &+ x, sumY &+ y, sum + Double(map[index]))
      if map[index] > peak || (map[index] == peak && index < peakPixel) { (peak, peakPixel) = (map[index], index) }
    }
    let count = Double(pixels.count)
    (x, y, width, height) = (left, top, right &- left &+ 1, bottom &- top &+ 1)
    area = pixels.count
    centroidX = Float(Double(sumX) / count + 0.5)
    centroidY = Float(Double(sumY) / count + 0.5)
    self.peak = peak
    (peakY, peakX) = peakPixel.quotientAndRemainder(dividingBy: imageWidth)
    mean = Float(sum / count)
    firstX = pixels.first.map { Int($0) % imageWidth } ?? left
  }

  /// Whether it comes before another region of the same map: by the higher peak, then the larger area, then the place.
  func isMoreSevere(than other: Region) -> Bool {
    if peak != other.peak { return peak > other.peak }
    if area != other.area { return area > other.area }
    return (y, firstX) < (other.y, other.firstX)
  }
}
