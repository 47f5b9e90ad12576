/// Follows the outer border of a region along the edges of its pixels (crack following; A. Rosenfeld and A. Kak, "Digital
/// Picture Processing", 1982, section 11.1).
struct OuterBorder {
  /// height x width values, not 0 in regions. A pixel that touches a region belongs to it, so that the border of one
  /// region meets no other.
  let mask: UnsafePointer<UInt8>
  let width: Int
  let height: Int

  /// Walks around the region clockwise (y downwards) and reports the corners at which the border turns, beginning with
  /// the upper left corner of the leftmost pixel of the region's first row. A corner at which two pixels touch, and no
  /// more, is passed twice.
  ///
  /// - Parameter body: is given the corners.
  /// - Returns: how many there are.
  func trace(fromX startX: Int, y startY: Int, _ body: (_ index: Int, _ x: Int, _ y: Int) -> Void) -> Int {
    // The corner, and the direction of the next edge, with the region on its right.
    var (x, y, dx, dy) = (startX, startY, 1, 0)
    body(0, x, y)
    var count = 1
    while true {
      (x, y) = (x &+ dx, y &+ dy)
      // Looks at the two pixels ahead, the left one first, since pixels that touch by a corner are connected.
      if isInside(Self.pixel(x, dx, dy), Self.pixel(y, dy, -dx)) {
        (dx, dy) = (dy, -dx)
      } else if isInside(Self.pixel(x, dx, -dy), Self.pixel(y, dy, dx)) {
        continue
      } else {
        (dx, dy) = (-dy, dx)
      }
      if x == startX, y == startY, dx == 1 { return count }
      body(count, x, y)
      count &+= 1
    }
  }

  /// Along one axis the pixel beside a corner, ahead (a step of the direction) and to a side (a step of the other).
  private static func pixel(_ corner: Int, _ ahead: Int, _ side: Int) -> Int {
    ahead &+ side > 0 ? corner : corner &- 1
  }

  private func isInside(_ x: Int, _ y: Int) -> Bool {
    x >= 0 && x < width && y >= 0 && y < height && mask[y &* width &+ x] != 0
  }
}
