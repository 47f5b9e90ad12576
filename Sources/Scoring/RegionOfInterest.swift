import Basics
import Imaging

/// The part of a frame that counts, as a mask over its anomaly map. It is the same share of a frame of any size.
package struct RegionOfInterest: Sendable, Equatable {
  /// The mask's size. Without tiles it is the size of the network's input.
  package let width: Int
  package let height: Int
  /// height x width, row-major: 1 inside, 0 outside; not all are 0.
  package let mask: [UInt8]

  /// Fails with `.invalidArgument` when the mask has another size or is 0 everywhere.
  package init(width: Int, height: Int, mask: [UInt8]) throws(Failure) {
    guard checkedProduct([width, height]) == mask.count else {
      throw Failure(.invalidArgument, "the mask's \(mask.count) values are not \(width)x\(height)")
    }
    guard mask.contains(where: { $0 != 0 }) else {
      throw Failure(.invalidArgument, "the region of interest is empty at the map's \(width)x\(height) pixels")
    }
    self.width = width
    self.height = height
    try checkMemory(for: mask.count, of: UInt8.self)
    self.mask = mask.map { $0 == 0 ? 0 : 1 }
  }

  /// Whether another region is the same; nil stands for whole frames.
  func isEqual(to other: RegionOfInterest?) -> Bool {
    other.map { $0 == self } ?? mask.allSatisfy { $0 != 0 }
  }

  /// Makes a region of those places of a frame's map whose centres lie in one of the rectangles, unless these are nil,
  /// and in the mask, if there is one. Also fails with `.unsupported` when the map is too large.
  ///
  /// - Parameters:
  ///   - tiles: the frame's tiles.
  ///   - mask: a mask of any size, which is laid over the whole frame.
  package init(_ tiles: TileGrid, rectangles: [Frame.Rectangle]?, mask: BorrowedMask? = nil) throws(Failure) {
    let (width, height) = (tiles.columns.mapLength, tiles.rows.mapLength)
    var inside = try Self.uniform(1, width: width, height: height)
    if let rectangles {
      for y in 0..<height {
        let frameY = Self.cell(y, of: height, in: tiles.rows.length)
        for x in 0..<width {
          let frameX = Self.cell(x, of: width, in: tiles.columns.length)
          let isInside = rectangles.contains {
            frameX >= $0.x && frameX - $0.x < $0.width && frameY >= $0.y && frameY - $0.y < $0.height
          }
          if !isInside { inside[y * width + x] = 0 }
        }
      }
    }
    mask?.clear(&inside, width: width, height: height)
    try self.init(width: width, height: height, mask: inside)
  }

  /// A mask with the same value everywhere. Fails with `.unsupported` when it would be too large.
  private static func uniform(_ value: UInt8, width: Int, height: Int) throws(Failure) -> [UInt8] {
    guard let count = checkedProduct([width, height]), count <= maximumCount else {
      throw Failure(.unsupported, "a region of interest in maps of \(width)x\(height) values is too large")
    }
    try checkMemory(for: count, of: UInt8.self)
    return Array(repeating: value, count: count)
  }

  /// The largest number of values in a mask that is made here.
  private static let maximumCount = 1 << 28

  /// The region for maps of another size: the places whose centres lie inside. Fails with `.invalidArgument` when there are none,
  /// and with `.unsupported` when the map is too large.
  func resized(width: Int, height: Int) throws(Failure) -> RegionOfInterest {
    if width == self.width, height == self.height { return self }
    var inside = try Self.uniform(0, width: width, height: height)
    for y in 0..<height {
      for x in 0..<width where contains(x: x, y: y, ofWidth: width, height: height) { inside[y * width + x] = 1 }
    }
    return try RegionOfInterest(width: width, height: height, mask: inside)
  }

  /// Whether the centre of a pixel of a frame of this size lies inside.
  func contains(x: Int, y: Int, ofWidth frameWidth: Int, height frameHeight: Int) -> Bool {
    let (row, column) = (Self.cell(y, of: frameHeight, in: height), Self.cell(x, of: frameWidth, in: width))
    return mask.withUnsafeBufferPointer { $0[row &* width &+ column] != 0 }
  }

  /// The cell, of a coarser or finer grid over the same length, in which a cell's centre lies.
  fileprivate static func cell(_ index: Int, of count: Int, in otherCount: Int) -> Int {
    (2 &* index &+ 1) &* otherCount / (2 &* count)
  }
}

/// A mask in the caller's memory: a byte for each pixel, which is not 0 inside.
package struct BorrowedMask {
  private let base: UnsafePointer<UInt8>
  package let width: Int
  package let height: Int
  /// Bytes from one row to the next.
  private let stride: Int

  /// Fails with `.invalidArgument` when a side is not within 1...65535, or the stride below the width.
  package init(base: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int) throws(Failure) {
    let sides = 1...Frame.maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "a mask of \(width)x\(height) pixels is not within \(sides)")
    }
    guard stride >= width, checkedProduct([stride, height]) != nil else {
      throw Failure(.invalidArgument, "the mask's stride of \(stride) bytes does not fit \(width)x\(height) pixels")
    }
    (self.base, self.width, self.height, self.stride) = (base, width, height, stride)
  }

  /// Sets the places outside of this mask to 0.
  fileprivate func clear(_ inside: inout [UInt8], width: Int, height: Int) {
    for y in 0..<height {
      let row = base + RegionOfInterest.cell(y, of: height, in: self.height) * stride
      for x in 0..<width where row[RegionOfInterest.cell(x, of: width, in: self.width)] == 0 {
        inside[y * width + x] = 0
      }
    }
  }
}
