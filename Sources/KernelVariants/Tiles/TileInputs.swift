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

/// The inputs of up to 32 rows, step by step: all of a tap, then those of the next.
struct TileSteps {
  private let source: TileSource
  private let depth: Int
  private let step: Int
  private let row: Int
  private let count: Int
  private let copies: UnsafeMutablePointer<UInt8>
  private var low = TileRows()
  private var high = TileRows()
  private var (tap, input) = (0, 0)
  /// Where the next step's rows are copied to: the steps take turns in the two halves of the memory.
  private var half = 0

  /// A step's inputs. The second 16 rows are nil where there are no more than 16. The length is 0 behind the last step.
  struct Inputs {
    var low: TileInputs
    var high: TileInputs?
    var length: Int

    @inline(__always)
    init(_ low: TileInputs, _ high: TileInputs?, length: Int) {
      (self.low, self.high, self.length) = (low, high, length)
    }
  }

  /// - Parameters:
  ///   - depth: the inputs of a row and tap, and `step` those of a step.
  ///   - copies: memory for the rows of two steps, 4096 bytes.
  @inline(__always)
  init(_ source: TileSource, depth: Int, step: Int, row: Int, count: Int, copies: UnsafeMutablePointer<UInt8>) {
    (self.source, self.depth, self.step, self.row, self.count, self.copies) = (source, depth, step, row, count, copies)
  }

  /// The next step's inputs. They are valid until the step after the next is asked for.
  @inline(__always)
  mutating func next() -> Inputs {
    guard tap < source.taps else { return Inputs(TileInputs(first: copies, stride: 0), nil, length: 0) }
    if input == 0 {
      low.find(source, tap: tap, row: row, count: count)
      if count > 16 { high.find(source, tap: tap, row: row &+ 16, count: count &- 16) }
    }
    let (first, length) = (input, lesser(step, depth &- input))
    let a = low.inputs(at: first, step: step, count: length, copies: copies + half)
    let b = count > 16 ? high.inputs(at: first, step: step, count: length, copies: copies + (half &+ 1024)) : nil
    half ^= 2048
    input &+= length
    if input == depth { (input, tap) = (0, tap &+ 1) }
    return Inputs(a, b, length: length)
  }
}
