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

/// Memory beside the tiles: for inputs of two steps that are not evenly spaced in a map, and then for the sums of 32 rows and 32 outputs.
/// It is the same memory, because the stack of a host's thread may be small.
struct TileMemory {
  private var bytes = (TileBytes(), TileBytes(), TileBytes(), TileBytes())

  @inline(__always)
  init() {}
}

/// Sums of products of bytes in the processor's tiles, 32 rows and 32 outputs at a time. It has the tiles of its thread until `release`.
struct TileProducts {
  /// The inputs of a row and tap, and those of a step.
  private let depth: Int
  private let step: Int
  private let source: TileSource
  private let sums: UnsafeMutablePointer<Int32>
  private let copies: UnsafeMutablePointer<UInt8>

  /// Fewer inputs than this are as fast by dot products.
  static var leastDepth: Int { 16 }

  @inline(__always)
  init(_ source: TileSource, depth: Int, memory: UnsafeMutablePointer<TileMemory>) {
    // As few steps as there can be, of the same length if they come out even. If not, the last one is shorter: its inputs are followed
    // by zeros, so that it does not matter which weights a whole tile has there.
    let steps = (depth &+ 63) / 64
    step = depth % (4 &* steps) == 0 ? depth / steps : 64
    (self.source, self.depth) = (source, depth)
    sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Int32.self)
    copies = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt8.self)
    cflowad_tiles_configure(step)
  }

  @inline(__always)
  func release() { cflowad_tiles_release() }

  /// Sums the products of up to 32 rows with the weights of one or two panels.
  ///
  /// - Parameters:
  ///   - count: the number of rows.
  ///   - second: the distance from the first panel to the second, in bytes; nil when there is one.
  func sum(row: Int, count: Int, _ weights: UnsafeRawPointer, second: Int?) {
    var (low, high) = (TileRows(), TileRows())
    var (weights, tap, input, side, length) = (weights, 0, 0, 0, step)
    low.find(source, tap: 0, row: row, count: count)
    if count > 16 { high.find(source, tap: 0, row: row &+ 16, count: count &- 16) }
    // Of a step's inputs those that have to be copied are copied while the products of the step before are computed.
    var a = low.inputs(at: 0, step: step, count: step, copies: copies)
    var b = count > 16 ? high.inputs(at: 0, step: step, count: step, copies: copies + 1024) : nil
    cflowad_tiles_clear()
    while true {
      let (first, next, taken) = (a, b, length)
      input &+= length
      if input == depth { (input, tap) = (0, tap &+ 1) }
      length = lesser(step, depth &- input)
      if tap < source.taps {
        if input == 0 {
          low.find(source, tap: tap, row: row, count: count)
          if count > 16 { high.find(source, tap: tap, row: row &+ 16, count: count &- 16) }
        }
        side ^= 2048
        a = low.inputs(at: input, step: step, count: length, copies: copies + side)
        if count > 16 { b = high.inputs(at: input, step: step, count: length, copies: copies + (side &+ 1024)) }
      }
      cflowad_tiles_add(first.first, first.stride, next?.first, next?.stride ?? 0, weights, second.map { weights + $0 })
      if tap == source.taps { break }
      weights += taken &* 16
    }
    cflowad_tiles_store(sums)
  }

  /// The sums from one of the rows on.
  @inline(__always)
  func sums(from row: Int) -> StoredSums { StoredSums(sums + row &* 32) }
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
