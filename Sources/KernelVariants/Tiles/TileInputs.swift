import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// Where the inputs of a product's rows lie.
struct TileSource {
  let x: UnsafePointer<UInt8>
  let taps: Int
  private let stride: Int
  private let border: UnsafePointer<UInt8>
  private let offsets: UnsafePointer<Int32>?

  @inline(__always)
  init(_ task: borrowing QuantizedGEMM) {
    (x, stride, taps, border, offsets) = (task.x, task.xStride, task.taps, task.border, task.offsets)
  }

  @inline(__always)
  init(_ task: borrowing RowScaledGEMM) { (x, stride, taps, border, offsets) = (task.x, task.xStride, 1, task.x, nil) }

  /// Finds up to 16 rows for one tap. Returns whether a tile can be loaded from them as they are: 16 that are evenly
  /// spaced, or all the same.
  @inline(__always)
  func find(tap: Int, row: Int, count: Int, _ rows: inout cflowad_tile_rows) -> Bool {
    let last = lesser(count, 16) &- 1
    guard let offsets else {
      cflowad_tile_space(x + row &* stride, stride, last, &rows)
      return last == 15
    }
    return cflowad_tile_find(x, border, offsets + (row &* taps &+ tap), taps, last, &rows) != 0
  }
}

/// Where a tile is loaded from: its first row, and the bytes from row to row.
struct TileInputs {
  let first: UnsafePointer<UInt8>
  let stride: Int

  @inline(__always)
  init(first: UnsafePointer<UInt8>, stride: Int) { (self.first, self.stride) = (first, stride) }
}

/// 16 rows of a product.
///
/// The processor loads a tile from rows that are evenly spaced. Neighbouring places of a map are, but for the border and the ends of its
/// lines. Rows that are not are copied together first.
struct TileRows {
  private var rows = cflowad_tile_rows()
  private var isEven = true

  @inline(__always)
  init() {}

  @inline(__always)
  mutating func find(_ source: TileSource, tap: Int, row: Int, count: Int) {
    isEven = source.find(tap: tap, row: row, count: count, &rows)
  }

  /// The inputs of a step.
  ///
  /// - Parameters:
  ///   - step: the bytes of a tile's rows.
  ///   - count: how many of them are inputs. Zeros follow.
  ///   - copies: memory for 16 rows of 64 bytes.
  @inline(__always)
  mutating func inputs(
    at input: Int, step: Int, count: Int, copies: UnsafeMutablePointer<UInt8>
  ) -> TileInputs {
    if isEven, count == step, let first = UnsafePointer<UInt8>(bitPattern: rows.first) {
      return TileInputs(first: first + input, stride: Int(bitPattern: rows.second &- rows.first))
    }
    cflowad_tile_copy(&rows, input, count, copies)
    return TileInputs(first: UnsafePointer(copies), stride: 64)
  }
}
