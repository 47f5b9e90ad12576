import CKernelTasks

extension TriangularProduct {
  package static var panelHeight: Int { 8 }

  /// Floats of a packed matrix; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int { panelStart(0, size: size) + panelHeight * min(panelHeight, size) }

  /// Where a panel begins in its matrix: behind the panels of the rows below, the lowest of which has `size` columns, the
  /// others 8, 16, ... from the top.
  private static func panelStart(_ panel: Int, size: Int) -> Int {
    let last = (size - 1) / panelHeight
    return panel == last ? 0 : panelHeight * size + 32 * (last * (last + 1) - (panel + 1) * (panel + 2))
  }

  /// Copies a matrix, given as the rows of its lower triangle one behind the other, into panels. The target holds zeros.
  package static func pack(_ triangle: UnsafePointer<Float>, size: Int, into target: UnsafeMutablePointer<Float>) {
    var source = triangle
    for row in 0..<size {
      let (panel, lane) = row.quotientAndRemainder(dividingBy: panelHeight)
      let start = target + (panelStart(panel, size: size) + lane)
      for column in 0...row { start[column * panelHeight] = source[column] }
      source += row + 1
    }
  }
}
