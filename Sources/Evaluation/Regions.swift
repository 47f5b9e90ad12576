/// The connected regions of a mask: pixels that are not 0 and touch by a side or a corner (8-connectivity).
struct Regions {
  let width: Int
  let height: Int
  /// Per region the indices of its pixels, row-major.
  private(set) var pixels: [[Int]] = []

  /// - Parameter mask: height x width values from `offset` on.
  init(_ mask: UnsafeBufferPointer<UInt8>, offset: Int, width: Int, height: Int) {
    self.width = width
    self.height = height
    var isSeen = [Bool](repeating: false, count: width * height)
    for start in 0..<width * height where mask[offset + start] != 0 && !isSeen[start] {
      isSeen[start] = true
      var region = [start]
      var next = 0
      while next < region.count {
        let pixel = region[next]
        next += 1
        forEachNeighbour(of: pixel, width: width, height: height) { neighbour in
          if mask[offset + neighbour] != 0, !isSeen[neighbour] {
            isSeen[neighbour] = true
            region.append(neighbour)
          }
        }
      }
      pixels.append(region)
    }
  }

  /// A region's pixels and those of its holes: whatever is not of the region and cannot reach the image's border by
  /// steps to any of the 8 neighbours without crossing it. scipy.ndimage.binary_fill_holes with a full 3 x 3 structure.
  ///
  /// Other regions within a hole belong to it.
  func filled(_ index: Int) -> [Int] {
    let region = pixels[index]
    // Beyond its bounding box nothing is of the region, so it is enough to look at the box and a margin of 1.
    let left = (region.map { $0 % width }.min() ?? 0) - 1
    let right = (region.map { $0 % width }.max() ?? 0) + 1
    let top = (region.map { $0 / width }.min() ?? 0) - 1
    let bottom = (region.map { $0 / width }.max() ?? 0) + 1
    let boxWidth = right - left + 1
    let boxHeight = bottom - top + 1
    var isClosed = [Bool](repeating: false, count: boxWidth * boxHeight)
    for pixel in region { isClosed[(pixel / width - top) * boxWidth + (pixel % width - left)] = true }
    // The margin is open and connected: the flood starts at its corner.
    var outside = [0]
    var isOutside = [Bool](repeating: false, count: isClosed.count)
    isOutside[0] = true
    while let pixel = outside.popLast() {
      forEachNeighbour(of: pixel, width: boxWidth, height: boxHeight) { neighbour in
        if !isClosed[neighbour], !isOutside[neighbour] {
          isOutside[neighbour] = true
          outside.append(neighbour)
        }
      }
    }
    return isOutside.indices.filter { !isOutside[$0] }.map { ($0 / boxWidth + top) * width + ($0 % boxWidth + left) }
  }
}

private func forEachNeighbour(of pixel: Int, width: Int, height: Int, _ body: (Int) -> Void) {
  let (x, y) = (pixel % width, pixel / width)
  for row in max(y - 1, 0)...min(y + 1, height - 1) {
    for column in max(x - 1, 0)...min(x + 1, width - 1) where (row, column) != (y, x) { body(row * width + column) }
  }
}
