import Basics
import Segmentation

/// Finds the connected regions of masks, and their holes.
///
/// It takes 10 bytes of memory per pixel of one mask, whatever the mask holds.
final class Regions {
  let width: Int
  let height: Int
  private let connected: ConnectedPixels
  /// For each pixel of a region's bounding box whether it is of the region, or outside.
  private let box: Buffer<Place>
  /// The pixels of the box from which the outside spreads.
  private let front: Buffer<UInt32>

  private enum Place: UInt8, BitwiseCopyable { case unreached, region, outside }

  /// Prepares for masks of up to ``Evaluation/maximumCount`` pixels. Fails with `.outOfMemory`.
  init(width: Int, height: Int) throws(Failure) {
    guard width > 0, height > 0, let size = checkedProduct([width, height]), size <= Evaluation.maximumCount else {
      throw Failure(.unsupported, "masks of \(width)x\(height) pixels are too large")
    }
    self.width = width
    self.height = height
    connected = try ConnectedPixels(width: width, height: height)
    box = try Buffer(count: size)
    front = try Buffer(count: size)
  }

  /// Calls the body for every region of a mask: see ``ConnectedPixels``.
  func forEachRegion(in mask: UnsafePointer<UInt8>, _ body: (_ pixels: UnsafeBufferPointer<UInt32>) -> Void) {
    connected.forEachRegion(in: mask, body)
  }

  /// Calls the body for a region's pixels and those of its holes: everything that is not of the region and cannot reach
  /// the image's border by steps to any of the 8 neighbours without crossing the region, as
  /// scipy.ndimage.binary_fill_holes with a full 3 x 3 structure.
  ///
  /// Other regions within a hole belong to it.
  func forEachFilledPixel(of pixels: UnsafeBufferPointer<UInt32>, _ body: (_ pixel: Int) -> Void) {
    // Nothing beyond the bounding box is of the region, so that everything that reaches the box's border is outside.
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
