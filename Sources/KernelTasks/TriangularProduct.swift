/// Products with lower triangular matrices, a matrix for each row: in place x = W x, of the first ``size`` values of each row.
///
/// A matrix is stored as panels of 8 of its rows; a panel has 8 weights for each column up to its last row's diagonal, and
/// zeros where a row has none.
package struct TriangularProduct {
  /// The matrix of the first row; the others follow, ``matrixCount(size:)`` floats each.
  package var matrices: UnsafePointer<Float>
  package var size: Int
  /// Rows `stride` floats apart; changed in place.
  package var x: UnsafeMutablePointer<Float>
  package var stride: Int

  package init(
    matrices: UnsafePointer<Float>, size: Int, x: UnsafeMutablePointer<Float>, stride: Int
  ) {
    self.matrices = matrices
    self.size = size
    self.x = x
    self.stride = stride
  }

  package static let panelHeight = 8

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
