import Basics

/// The border of a region: those of its pixels that have a neighbour above, below or beside them outside the region.
/// The border of the image does not count.
final class Contour {
  private let width: Int
  private let height: Int
  /// height x width: 1 on the border, else 0.
  private let mask: UnsafeMutablePointer<UInt8>
  /// How many border pixels each column has in the rows that the current line of the drawing may touch.
  private let counts: UnsafeMutablePointer<Int32>

  /// The line's width in pixels.
  let lineWidth: Int
  /// The width of the edge on either side.
  let edgeWidth: Int

  /// The border of where a map is above a threshold.
  convenience init(_ map: UnsafePointer<Float>, width: Int, height: Int, threshold: Float) throws(Failure) {
    try self.init(width: width, height: height) { map[$0] > threshold && map[$0] < .infinity }
  }

  /// - Parameter isInside: whether the pixel y * width + x belongs to the region.
  init(width: Int, height: Int, isInside: (_ pixel: Int) -> Bool) throws(Failure) {
    guard let bytes = checkedProduct([width, height]),
      let mask = calloc(bytes, 1)?.assumingMemoryBound(to: UInt8.self)
    else { throw Failure(.outOfMemory, "no memory for the contour of \(width)x\(height) pixels") }
    guard let counts = calloc(width, MemoryLayout<Int32>.stride)?.assumingMemoryBound(to: Int32.self) else {
      free(mask)
      throw Failure(.outOfMemory, "no memory for the contour of \(width)x\(height) pixels")
    }
    self.width = width
    self.height = height
    self.mask = mask
    self.counts = counts
    lineWidth = max((max(width, height) + 128) / 256, 1)
    edgeWidth = max(lineWidth / 2, 1)
    mark(isInside)
  }

  deinit {
    free(mask)
    free(counts)
  }

  private func mark(_ isInside: (_ pixel: Int) -> Bool) {
    for y in 0..<height {
      for x in 0..<width {
        let index = y &* width &+ x
        guard isInside(index) else { continue }
        let isInner =
          (x == 0 || isInside(index &- 1)) && (x == width &- 1 || isInside(index &+ 1))
          && (y == 0 || isInside(index &- width)) && (y == height &- 1 || isInside(index &+ width))
        mask[index] = isInner ? 0 : 1
      }
    }
  }

  /// Paints every pixel whose square of `lineWidth` + 2 `widening` pixels holds a border pixel. The squares are counted
  /// by running sums, so that the work does not grow with the line's width.
  func draw(_ color: SIMD3<UInt8>, widenedBy widening: Int, into rgb: UnsafeMutablePointer<UInt8>) {
    let before = (lineWidth - 1) / 2 + widening
    let after = lineWidth / 2 + widening
    for x in 0..<width { counts[x] = 0 }
    for y in 0..<min(after, height) { add(row: y, 1) }
    for y in 0..<height {
      add(row: y + after, 1)
      add(row: y - before - 1, -1)
      var sum: Int32 = 0
      for x in 0..<min(after, width) { sum &+= counts[x] }
      for x in 0..<width {
        if x + after < width { sum &+= counts[x + after] }
        if x > before { sum &-= counts[x - before - 1] }
        guard sum > 0 else { continue }
        let pixel = rgb + 3 &* (y &* width &+ x)
        pixel[0] = color.x
        pixel[1] = color.y
        pixel[2] = color.z
      }
    }
  }

  private func add(row y: Int, _ sign: Int32) {
    guard y >= 0, y < height else { return }
    let row = mask + y &* width
    for x in 0..<width { counts[x] &+= sign &* Int32(row[x]) }
  }
}
