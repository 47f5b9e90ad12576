import Basics

/// Finds the connected regions of masks: pixels that are not 0 and touch by a side or a corner (8-connectivity).
///
/// It takes 5 bytes per pixel of the largest mask, whatever the mask holds.
package final class ConnectedPixels {
  package private(set) var width = 0
  package private(set) var height = 0
  /// Whether a pixel belongs to a region that was found already.
  private var isFound: Buffer<Bool>
  /// The pixels of the current region.
  private var members: Buffer<UInt32>

  /// Prepares for masks of a size, as ``fit(width:height:)`` does.
  package init(width: Int, height: Int) throws(Failure) {
    isFound = try Buffer(count: 0)
    members = try Buffer(count: 0)
    try fit(width: width, height: height)
  }

  /// Prepares for masks of another size, of up to 2^32 pixels; allocates only for the largest so far. Fails with
  /// `.unsupported` for larger ones, or `.outOfMemory`.
  package func fit(width: Int, height: Int) throws(Failure) {
    let (size, isOverflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !isOverflow, size <= 1 << 32 else {
      throw Failure(.unsupported, "masks of \(width)x\(height) pixels are too large")
    }
    if isFound.count < size { isFound = try Buffer(count: size) }
    if members.count < size { members = try Buffer(count: size) }
    self.width = width
    self.height = height
  }

  /// Calls the body for every region of a mask with the indices of its pixels, y * width + x, the first row's leftmost
  /// one first. The pointer is valid during the call only.
  ///
  /// - Parameter mask: height x width values.
  package func forEachRegion(
    in mask: UnsafePointer<UInt8>, _ body: (_ pixels: UnsafeBufferPointer<UInt32>) -> Void
  ) {
    isFound.base.update(repeating: false, count: width &* height)
    forEachNonzero(mask, count: width &* height) { start in
      guard !isFound.base[start] else { return }
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

/// Calls the body with the place of each value that is not 0. Most are 0 where few pixels are anomalous, and go by eight at a
/// time.
@inline(__always)
func forEachNonzero(_ values: UnsafePointer<UInt8>, count: Int, _ body: (_ place: Int) -> Void) {
  var place = 0
  while place < count {
    if place &+ 8 <= count, UnsafeRawPointer(values + place).loadUnaligned(as: UInt64.self) == 0 {
      place &+= 8
    } else {
      if values[place] != 0 { body(place) }
      place &+= 1
    }
  }
}
