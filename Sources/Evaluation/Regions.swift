import Basics

/// Finds the connected regions of masks: pixels that are not 0 and touch by a side or a corner (8-connectivity).
///
/// Memory: 10 bytes per pixel of one mask, whatever is in it.
final class Regions {
  let width: Int
  let height: Int
  /// Whether a pixel belongs to a region that was found already.
  private let isFound: Buffer<Bool>
  /// The pixels of the region at hand.
  private let members: Buffer<UInt32>
  /// Pixels of a box: of the region, or outside of it.
  private let box: Buffer<Place>
  /// Pixels of the box from which the outside goes on.
  private let front: Buffer<UInt32>

  private enum Place: UInt8, BitwiseCopyable { case unreached, region, outside }

  /// For masks of up to ``Evaluation/maximumCount`` pixels. Fails with `.outOfMemory`.
  init(width: Int, height: Int) throws(Failure) {
    guard width > 0, height > 0, let size = checkedProduct([width, height]), size <= Evaluation.maximumCount else {
      throw Failure(.unsupported, "masks of \(width) x \(height) pixels are too large")
    }
    self.width = width
    self.height = height
    isFound = try Buffer(count: size)
    members = try Buffer(count: size)
    box = try Buffer(count: size)
    front = try Buffer(count: size)
  }

  /// Calls the body for every region of a mask with the indices of its pixels, y * width + x; they are only there
  /// during the call.
  ///
  /// - Parameter mask: height x width values.
  func forEachRegion(in mask: UnsafePointer<UInt8>, _ body: (_ pixels: UnsafeBufferPointer<UInt32>) -> Void) {
    isFound.base.update(repeating: false, count: isFound.count)
    for start in 0..<width * height where mask[start] != 0 && !isFound.base[start] {
      isFound.base[start] = true
      members.base[0] = UInt32(start)
      var (next, count) = (0, 1)
      while next < count {
        forEachNeighbour(of: Int(members.base[next]), width: width, height: height) { neighbour in
          if mask[neighbour] != 0, !isFound.base[neighbour] {
            isFound.base[neighbour] = true
            members.base[count] = UInt32(neighbour)
            count += 1
          }
        }
        next += 1
      }
      body(UnsafeBufferPointer(start: members.base, count: count))
    }
  }

  /// Calls the body for a region's pixels and those of its holes: whatever is not of the region and cannot reach the
  /// image's border by steps to any of the 8 neighbours without crossing it. scipy.ndimage.binary_fill_holes with a
  /// full 3 x 3 structure.
  ///
  /// Other regions within a hole belong to it.
  func forEachFilledPixel(of pixels: UnsafeBufferPointer<UInt32>, _ body: (_ pixel: Int) -> Void) {
    // Beyond its bounding box nothing is of the region: whatever reaches the box's border is outside.
    var (left, right, top, bottom) = (width, 0, height, 0)
    for pixel in pixels {
      let (y, x) = Int(pixel).quotientAndRemainder(dividingBy: width)
      (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
    }
    let boxWidth = right - left + 1
    let boxHeight = bottom - top + 1
    box.base.update(repeating: .unreached, count: boxWidth * boxHeight)
    for pixel in pixels {
      let (y, x) = Int(pixel).quotientAndRemainder(dividingBy: width)
      box.base[(y - top) * boxWidth + (x - left)] = .region
    }

    var count = 0
    func reach(_ pixel: Int) {
      guard box.base[pixel] == .unreached else { return }
      box.base[pixel] = .outside
      front.base[count] = UInt32(pixel)
      count += 1
    }
    for x in 0..<boxWidth {
      reach(x)
      reach((boxHeight - 1) * boxWidth + x)
    }
    for y in 0..<boxHeight {
      reach(y * boxWidth)
      reach(y * boxWidth + boxWidth - 1)
    }
    while count > 0 {
      count -= 1
      forEachNeighbour(of: Int(front.base[count]), width: boxWidth, height: boxHeight, reach)
    }

    for y in 0..<boxHeight {
      for x in 0..<boxWidth where box.base[y * boxWidth + x] != .outside { body((y + top) * width + (x + left)) }
    }
  }
}

private func forEachNeighbour(of pixel: Int, width: Int, height: Int, _ body: (Int) -> Void) {
  let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
  for row in max(y - 1, 0)...min(y + 1, height - 1) {
    for column in max(x - 1, 0)...min(x + 1, width - 1) where (row, column) != (y, x) { body(row * width + column) }
  }
}
