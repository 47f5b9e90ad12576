import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// As many bytes as a tile has.
private struct TileBytes {
  private var rows:
    (
      IntVector, IntVector, IntVector, IntVector, IntVector, IntVector, IntVector, IntVector,
      IntVector, IntVector, IntVector, IntVector, IntVector, IntVector, IntVector, IntVector
    )

  @inline(__always)
  init() {
    let row = IntVector()
    rows = (row, row, row, row, row, row, row, row, row, row, row, row, row, row, row, row)
  }
}

/// Memory beside the tiles: sums of 32 rows and 32 outputs, and inputs of two steps that are not evenly spaced in a map.
struct TileMemory {
  private var sums = (TileBytes(), TileBytes(), TileBytes(), TileBytes())
  private var copies = (TileBytes(), TileBytes(), TileBytes(), TileBytes())

  @inline(__always)
  init() {}
}

/// Sums of products of bytes in the processor's tiles, 32 rows and 32 outputs at a time. It has the tiles of its thread until `release`.
struct TileProducts {
  /// The inputs of a row, and those of a step.
  private let depth: Int
  private let step: Int
  /// From the weights of 16 outputs to those of the next 16, in bytes.
  private let panelBytes: Int
  private let sums: UnsafeMutablePointer<Int32>
  private let copies: UnsafeMutablePointer<UInt8>

  /// The most inputs that divide `depth` and suit a tile; nil when these are so few that a dot product is as fast.
  @inline(__always)
  static func step(_ depth: Int) -> Int? {
    var step = lesser(depth, 64)
    while step >= 16 {
      if step & 3 == 0, depth % step == 0 { return step }
      step &-= 1
    }
    return nil
  }

  /// - Parameter step: of ``step(_:)``.
  @inline(__always)
  init(depth: Int, step: Int, taps: Int, memory: UnsafeMutablePointer<TileMemory>) {
    (self.depth, self.step, panelBytes) = (depth, step, taps &* depth &* 16)
    sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Int32.self)
    copies = (UnsafeMutableRawPointer(memory) + 4096).assumingMemoryBound(to: UInt8.self)
    cflowad_tiles_configure(step)
  }

  @inline(__always)
  func release() { cflowad_tiles_release() }

  @inline(__always)
  func clear() { cflowad_tiles_clear() }

  /// Adds the products of one tap, and moves `weights` past its weights.
  ///
  /// - Parameters:
  ///   - high: the rows behind the first 16; nil when there are none.
  ///   - columns: whether there are 32 outputs, not 16.
  @inline(__always)
  func add(_ low: TileRows, _ high: TileRows?, _ weights: inout UnsafeRawPointer, hasTwoPanels: Bool) {
    var input = 0
    while input < depth {
      // Copies of one step are read while those of the next are made.
      let copies = copies + (input / step & 1) &* 2048
      let (first, stride) = low.inputs(at: input, depth: step, copies: copies)
      let second = hasTwoPanels ? weights + panelBytes : nil
      if let high {
        let (next, nextStride) = high.inputs(at: input, depth: step, copies: copies + 1024)
        cflowad_tiles_add(first, stride, next, nextStride, weights, second)
      } else {
        cflowad_tiles_add(first, stride, nil, 0, weights, second)
      }
      weights += step &* 16
      input &+= step
    }
  }

  /// Takes the sums out of the tiles, for ``StoredSums`` of some of the rows.
  @inline(__always)
  func store() { cflowad_tiles_store(sums) }

  @inline(__always)
  func stored(from row: Int) -> StoredSums { StoredSums(sums + row &* 32) }
}

/// Adds what tiles summed to the sums of rows.
struct StoredSums: QuantizedRowVisitor {
  private let sums: UnsafePointer<Int32>

  @inline(__always)
  init(_ sums: UnsafePointer<Int32>) { self.sums = sums }

  @inline(__always)
  func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
    let stored = sums + index &* 32
    row.a &+= .load(stored)
    if Columns.value > 1 { row.b &+= .load(stored + 16) }
  }
}
