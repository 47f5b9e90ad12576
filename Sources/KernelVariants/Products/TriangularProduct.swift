import CProcessor
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// How many bytes ahead weights are fetched. A frame reads each of them once, so they are not in the second-level cache, and
/// processors by themselves prefetch only within a page of 4 KB.
private let fetchAhead = 4096

extension Variant {
  package func triangularProduct(_ task: borrowing TriangularProduct, rows: Range<Int>) {
    Self.products(
      task.matrices + rows.lowerBound &* TriangularProduct.matrixCount(size: task.size),
      scaleCount: TriangularProduct.scaleCount, size: task.size, x: task.x, stride: task.stride, rows: rows,
      widened: { cflowad_processor_widened($0) })
  }

  package func byteTriangularProduct(_ task: borrowing ByteTriangularProduct, rows: Range<Int>) {
    Self.products(
      task.matrices + rows.lowerBound &* ByteTriangularProduct.matrixCount(size: task.size),
      scaleCount: ByteTriangularProduct.scaleCount, size: task.size, x: task.x, stride: task.stride, rows: rows,
      widened: { cflowad_processor_widened_bytes($0) })
  }

  /// Multiplies some rows of x by their matrices, of weights of either size.
  ///
  /// - Parameters:
  ///   - matrices: the panels of the first row's matrix. Those of the following rows lie behind them.
  ///   - scaleCount: the room of a panel's scales, counted in weights.
  ///   - widened: eight weights as floats.
  @inline(__always)
  private static func products<Weight>(
    _ matrices: UnsafePointer<Weight>, scaleCount: Int, size: Int, x: UnsafeMutablePointer<Float>, stride: Int,
    rows: Range<Int>, widened: (UnsafePointer<Weight>) -> Vector
  ) {
    let columnsPerCacheLine = 64 / (8 &* MemoryLayout<Weight>.size)
    var weights = matrices
    for row in rows {
      let x = x + row &* stride
      // Goes from the last panel to the first, so that a row's result can overwrite a value that no row above it reads.
      var panel = (size &- 1) / 8
      while panel >= 0 {
        let start = 8 &* panel
        let depth = lesser(start &+ 8, size)
        let columns = weights + scaleCount
        let sum = panelProduct(x, depth: depth) { column in
          let eight = columns + 8 &* column
          if column & (columnsPerCacheLine &- 1) == 0 {
            cflowad_processor_prefetch(UnsafeRawPointer(eight) + fetchAhead)
          }
          return widened(eight)
        }
        (sum * UnsafeRawPointer(weights).loadUnaligned(as: Vector.self)).store(to: x + start, first: depth &- start)
        weights += scaleCount &+ 8 &* depth
        panel &-= 1
      }
    }
  }

  /// Multiplies 8 rows by `depth` values. Four sums hide the latency of additions; their order is the same in all panels.
  @inline(__always)
  private static func panelProduct(
    _ x: UnsafePointer<Float>, depth: Int, weights: (_ column: Int) -> Vector
  ) -> Vector {
    var (sum0, sum1, sum2, sum3) = (Vector(), Vector(), Vector(), Vector())
    var column = 0
    while column &+ 4 <= depth {
      sum0.add(weights(column), times: Vector(repeating: x[column]))
      sum1.add(weights(column &+ 1), times: Vector(repeating: x[column &+ 1]))
      sum2.add(weights(column &+ 2), times: Vector(repeating: x[column &+ 2]))
      sum3.add(weights(column &+ 3), times: Vector(repeating: x[column &+ 3]))
      column &+= 4
    }
    while column < depth {
      sum0.add(weights(column), times: Vector(repeating: x[column]))
      column &+= 1
    }
    return (sum0 + sum1) + (sum2 + sum3)
  }
}
