import CKernelTasks

extension TriangularProduct {
  package static var panelHeight: Int { 8 }

  /// Where a panel begins in its matrix: the panels before it have 8, 16, ... columns.
  @inline(__always)
  package static func panelStart(_ panel: Int) -> Int { 32 &* panel &* (panel &+ 1) }

  /// Floats of a packed matrix; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int { panelStart((size - 1) / panelHeight) + panelHeight * size }

  /// Copies a matrix, given as the rows of its lower triangle one behind the other, into panels. The target holds zeros.
  package static func pack(_ triangle: UnsafePointer<Float>, size: Int, into target: UnsafeMutablePointer<Float>) {
    var source = triangle
    for row in 0..<size {
      let (panel, lane) = row.quotientAndRemainder(dividingBy: panelHeight)
      let start = target + (panelStart(panel) + lane)
      for column in 0...row { start[column * panelHeight] = source[column] }
      source += row + 1
    }
  }
}
