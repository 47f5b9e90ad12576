import KernelTasks

extension Variant {
  package func triangularProduct(_ task: borrowing TriangularProduct, rows: Range<Int>) {
    let size = task.size
    let lastPanel = (size &- 1) / 8
    let matrixCount = TriangularProduct.panelStart(lastPanel) &+ 8 &* size
    for row in rows {
      let x = task.x + row &* task.stride
      let matrix = task.matrices + row &* matrixCount
      // From the last panel to the first: a row's result may then take the place of a value that no row above it reads.
      var panel = lastPanel
      while panel >= 0 {
        let start = 8 &* panel
        let depth = min(start &+ 8, size)
        let sum = Self.panelProduct(matrix + TriangularProduct.panelStart(panel), x, depth: depth)
        sum.store(to: x + start, first: depth &- start)
        panel &-= 1
      }
    }
  }

  /// 8 rows times `depth` values. Four sums hide the latency of the additions; their order is the same in all panels.
  @inline(__always)
  private static func panelProduct(_ weights: UnsafePointer<Float>, _ x: UnsafePointer<Float>, depth: Int) -> Vector {
    var (sum0, sum1, sum2, sum3) = (Vector(), Vector(), Vector(), Vector())
    var column = 0
    while column &+ 4 <= depth {
      let columns = weights + 8 &* column
      sum0.add(.load(columns), times: Vector(repeating: x[column]))
      sum1.add(.load(columns + 8), times: Vector(repeating: x[column &+ 1]))
      sum2.add(.load(columns + 16), times: Vector(repeating: x[column &+ 2]))
      sum3.add(.load(columns + 24), times: Vector(repeating: x[column &+ 3]))
      column &+= 4
    }
    while column < depth {
      sum0.add(.load(weights + 8 &* column), times: Vector(repeating: x[column]))
      column &+= 1
    }
    return (sum0 + sum1) + (sum2 + sum3)
  }
}
