import CProcessor
import KernelTasks

/// How many numbers ahead weights are fetched. A frame reads each of them once, so they are not in the second-level cache, and
/// processors by themselves prefetch only within a page of 4 KB.
private let fetchAhead = 2048

extension Variant {
  package func triangularProduct(_ task: borrowing TriangularProduct, rows: Range<Int>) {
    let size = task.size
    var weights = task.matrices + rows.lowerBound &* TriangularProduct.matrixCount(size: size)
    for row in rows {
      let x = task.x + row &* task.stride
      // Goes from the last panel to the first, so that a row's result can overwrite a value that no row above it reads.
      var panel = (size &- 1) / 8
      while panel >= 0 {
        let start = 8 &* panel
        let depth = min(start &+ 8, size)
        let columns = weights + TriangularProduct.scaleCount
        let sum = Self.panelProduct(x, depth: depth) { column in
          if column & 3 == 0 { cflowad_processor_prefetch(columns + (8 &* column &+ fetchAhead)) }
          return cflowad_processor_widened(columns + 8 &* column)
        }
        (sum * UnsafeRawPointer(weights).loadUnaligned(as: Vector.self)).store(to: x + start, first: depth &- start)
        weights += TriangularProduct.scaleCount &+ 8 &* depth
        panel &-= 1
      }
    }
  }

  package func byteTriangularProduct(_ task: borrowing ByteTriangularProduct, rows: Range<Int>) {
    let size = task.size
    var weights = task.matrices + rows.lowerBound &* ByteTriangularProduct.matrixCount(size: size)
    for row in rows {
      let x = task.x + row &* task.stride
      var panel = (size &- 1) / 8
      while panel >= 0 {
        let start = 8 &* panel
        let depth = min(start &+ 8, size)
        let columns = weights + ByteTriangularProduct.scaleCount
        let sum = Self.panelProduct(x, depth: depth) { column in
          if column & 7 == 0 { cflowad_processor_prefetch(columns + (8 &* column &+ 2 &* fetchAhead)) }
          return cflowad_processor_widened_bytes(columns + 8 &* column)
        }
        (sum * UnsafeRawPointer(weights).loadUnaligned(as: Vector.self)).store(to: x + start, first: depth &- start)
        weights += ByteTriangularProduct.scaleCount &+ 8 &* depth
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
