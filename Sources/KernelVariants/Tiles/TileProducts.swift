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
/// It is the same memory, because the stack of a host's thread may be small. Sums of high bytes are stored, and loaded again before the
/// inputs of the low bytes' steps overwrite them.
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
  private let memory: UnsafeMutableRawPointer

  /// Fewer inputs than this are as fast by dot products.
  static var leastDepth: Int { 16 }

  @inline(__always)
  init(_ source: TileSource, depth: Int, memory: UnsafeMutablePointer<TileMemory>) {
    // As few steps as there can be, of the same length if they come out even. If not, the last one is shorter: its inputs are followed
    // by zeros, so that it does not matter which weights a whole tile has there.
    let steps = (depth &+ 63) / 64
    step = depth % (4 &* steps) == 0 ? depth / steps : 64
    (self.source, self.depth, self.memory) = (source, depth, UnsafeMutableRawPointer(memory))
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
    cflowad_tiles_clear()
    add(row: row, count: count, weights, second: second)
  }

  /// Adds the products with the low bytes of weights to 256 times the sums, which were of their high bytes.
  func addLowBytes(row: Int, count: Int, _ weights: UnsafeRawPointer, second: Int?) {
    let sums = memory.assumingMemoryBound(to: Int32.self)
    var place = 0
    while place < 1024 {
      let values = IntVector.load(sums + place)
      UnsafeMutableRawPointer(sums + place).storeBytes(of: values &<< 8, as: IntVector.self)
      place &+= 16
    }
    cflowad_tiles_load(sums)
    add(row: row, count: count, weights, second: second)
  }

  private func add(row: Int, count: Int, _ weights: UnsafeRawPointer, second: Int?) {
    let copies = memory.assumingMemoryBound(to: UInt8.self)
    var steps = TileSteps(source, depth: depth, step: step, row: row, count: count, copies: copies)
    var (weights, inputs) = (weights, steps.next())
    while inputs.length > 0 {
      // Inputs that have to be copied are copied while the products of the step before are computed.
      let following = steps.next()
      let (low, high) = (inputs.low, inputs.high)
      cflowad_tiles_add(low.first, low.stride, high?.first, high?.stride ?? 0, weights, second.map { weights + $0 })
      weights += inputs.length &* 16
      inputs = following
    }
    cflowad_tiles_store(memory.assumingMemoryBound(to: Int32.self))
  }

  /// The sums from one of the rows on.
  @inline(__always)
  func sums(from row: Int) -> StoredSums { StoredSums(memory.assumingMemoryBound(to: Int32.self) + row &* 32) }
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
