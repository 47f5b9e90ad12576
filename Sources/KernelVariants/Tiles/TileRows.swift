import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// Where the inputs of 16 rows lie for one tap of a convolution, or for a linear layer.
///
/// The processor loads a tile from rows that are evenly spaced. Neighbouring places of a map are, but for the border and the ends of its
/// lines. Rows that are not are copied together first.
struct TileRows {
  /// The bytes of the first row, and the bytes from row to row.
  private let x: UnsafePointer<UInt8>
  private let stride: Int
  private let isEven: Bool
  private let border: UnsafePointer<UInt8>
  private let offsets: IntVector

  /// For rows of a map with all that a task has.
  ///
  /// - Parameters:
  ///   - row: the first row.
  ///   - count: how many rows there are, at most 16.
  @inline(__always)
  init(_ task: borrowing QuantizedGEMM, tap: Int, row: Int, count: Int) {
    guard let places = task.offsets else {
      self = TileRows(x: task.x + row &* task.xStride, stride: task.xStride, count: count)
      return
    }
    offsets = cflowad_tile_offsets(places + (row &* task.taps &+ tap), task.taps, count &- 1)
    isEven = cflowad_is_even_16(offsets) != 0
    border = task.border
    // Of rows that are evenly spaced all or none lie beyond the border, since the other offsets are multiples of 4 and that of the border
    // is -1.
    x = isEven && offsets[0] < 0 ? border : task.x + (isEven ? Int(offsets[0]) : 0)
    stride = Int(offsets[1] &- offsets[0])
  }

  /// For rows that are `stride` bytes apart.
  @inline(__always)
  init(x: UnsafePointer<UInt8>, stride: Int, count: Int) {
    (self.x, self.stride, border) = (x, stride, x)
    isEven = count == 16
    let rows = IntVector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    let last = IntVector(repeating: Int32(truncatingIfNeeded: count &- 1))
    offsets = rows.replacing(with: last, where: rows .> last) &* Int32(truncatingIfNeeded: stride)
  }

  /// The inputs of a step, and the bytes from row to row.
  ///
  /// - Parameters:
  ///   - input: the first input of `depth`.
  ///   - copies: memory for 16 rows of 64 bytes.
  @inline(__always)
  func inputs(
    at input: Int, depth: Int, copies: UnsafeMutablePointer<UInt8>
  ) -> (first: UnsafePointer<UInt8>, stride: Int) {
    if isEven { return (x + input, stride) }
    var index = 0
    while index < 16 {
      let offset = Int(offsets[index])
      cflowad_tile_copy((offset < 0 ? border : x + offset) + input, depth, copies + index &* 64)
      index &+= 1
    }
    return (UnsafePointer(copies), 64)
  }
}
