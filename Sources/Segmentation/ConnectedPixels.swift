import Basics

/// Finds the connected regions of masks: pixels that are not 0 and touch by a side or a corner (8-connectivity).
///
/// Memory: 5 bytes per pixel of one mask, whatever is in it.
package final class ConnectedPixels {
  package let width: Int
  package let height: Int
  /// Whether a pixel belongs to a region that was found already.
  private let isFound: Buffer<Bool>
  /// The pixels of the region at hand.
  private let members: Buffer<UInt32>

  /// For masks of up to 2^32 pixels. Fails with `.unsupported` for others, or `.outOfMemory`.
  package init(width: Int, height: Int) throws(Failure) {
    guard width > 0, height > 0, let size = checkedProduct([width, height]), size <= 1 << 32 else {
      throw Failure(.unsupported, "masks of \(width) x \(height) pixels are too large")
    }
    self.width = width
    self.height = height
    isFound = try Buffer(count: size)
    members = try Buffer(count: size)
  }

  /// Calls the body for every region of a mask with the indices of its pixels, y * width + x, the first row's leftmost
  /// one first; they are only there during the call.
  ///
  /// - Parameter mask: height x width values.
  package func forEachRegion(
    in mask: UnsafePointer<UInt8>, _ body: (_ pixels: UnsafeBufferPointer<UInt32>) -> Void
  ) {
    isFound.base.update(repeating: false, count: isFound.count)
    for start in 0..<width &* height where mask[start] != 0 && !isFound.base[start] {
      isFound.base[start] = true
      members.base[0] = UInt32(truncatingIfNeeded: start)
      var (next, count) = (0, 1)
      while next < count {
        forEachNeighbour(of: Int(members.base[next]), width: width, height: height) { neighbour in
          if mask[neighbour] != 0, !isFound.base[neighbour] {
            isFound.base[neighbour] = true
            members.base[count] = UInt32(truncatingIfNeeded: neighbour)
            count &+= 1
          }
        }
        next &+= 1
      }
      body(UnsafeBufferPointer(start: members.base, count: count))
    }
  }
}

/// Calls the body for the up to 8 neighbours of a pixel in an image, y * width + x.
package func forEachNeighbour(of pixel: Int, width: Int, height: Int, _ body: (Int) -> Void) {
  let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
  for row in max(y &- 1, 0)...min(y &+ 1, height &- 1) {
    for column in max(x &- 1, 0)...min(x &+ 1, width &- 1) where (row, column) != (y, x) {
      body(row &* width &+ column)
    }
  }
}
