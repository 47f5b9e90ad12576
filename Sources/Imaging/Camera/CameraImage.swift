import Basics

/// The memory of a frame in a ``CameraFormat``: its planes, and which part of their image is the frame.
struct CameraImage {
  let format: CameraFormat
  let planes: (UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>)
  let strides: (Int, Int, Int)
  /// The size of the whole image in pixels.
  let width: Int
  let height: Int
  /// How many bits of a sample count, from bit `shift` on.
  let bits: Int
  let shift: Int
  /// The frame's first column and row, rows counted from the top.
  var firstColumn: Int
  var firstRow: Int
  let isBottomUp: Bool

  /// Row `y` of the frame as a row of the memory.
  @inline(__always)
  func memoryRow(_ y: Int) -> Int { isBottomUp ? height &- 1 &- firstRow &- y : firstRow &+ y }

  /// A row of the memory, from its first column on.
  @inline(__always)
  func first(_ row: Int) -> UnsafePointer<UInt8> { planes.0 + row &* strides.0 }
}
