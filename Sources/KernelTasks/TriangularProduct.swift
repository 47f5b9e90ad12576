import CKernelTasks

extension TriangularProduct {
  package static var panelHeight: Int { 8 }

  /// The size of a packed matrix in floats; `size` is at least 1.
  package static func matrixCount(size: Int) -> Int { panelStart(0, size: size) + panelHeight * min(panelHeight, size) }

  /// The offset of a panel in its matrix. Before it lie the panels of the rows below; the lowest one has `size`
  /// columns, the others, from the top, 8, 16 and so on.
  private static func panelStart(_ panel: Int, size: Int) -> Int {
    let last = (size - 1) / panelHeight
    return panel == last ? 0 : panelHeight * size + 32 * (last * (last + 1) - (panel + 1) * (panel + 2))
  }

  /// Packs a matrix, given as the rows of its lower triangle one after the other, into panels. The target must hold zeros.
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
