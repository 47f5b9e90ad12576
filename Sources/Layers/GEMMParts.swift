import Kernels

/// How a matrix product is cut into parts of about equal work: by rows, and where there are few rows by panels too.
struct GEMMParts {
  private let rowParts: Int
  private let panelParts: Int
  private let rows: Int
  private let outputs: Int
  private let shape: GEMMShape

  /// The fewest rows that a part with all weights should have. With fewer rows most of the time goes into reading the weights, so
  /// each part gets only a share of the weights.
  private static let fewestRows = 96

  /// - Parameter shape: the shape that the product's panels were packed for.
  init(rows: Int, outputs: Int, shape: GEMMShape, workers: Int) {
    (self.rows, self.outputs, self.shape) = (rows, outputs, shape)
    // There are more parts than threads, since threads do not all run equally fast.
    let wanted = workers == 1 ? 1 : 3 * workers
    rowParts = min(wanted, max(rows / Self.fewestRows, 1))
    let panelGroups = (shape.panelCount(outputs) + shape.panelsPerTile - 1) / shape.panelsPerTile
    panelParts = min((wanted + rowParts - 1) / rowParts, panelGroups)
  }

  var count: Int { rowParts * panelParts }

  /// The rows and the panels of a part.
  subscript(index: Int) -> (rows: Range<Int>, panels: Range<Int>) {
    // A band of parts is a band of rows (``PartBands``).
    let (row, panel) = (index / panelParts, index % panelParts)
    return (
      Self.share(row, of: rowParts, count: rows, multiple: shape.rowTile),
      Self.share(panel, of: panelParts, count: shape.panelCount(outputs), multiple: shape.panelsPerTile)
    )
  }

  /// One of `shares` about equal ranges of `count`, cut at multiples of `multiple`.
  private static func share(_ index: Int, of shares: Int, count: Int, multiple: Int) -> Range<Int> {
    let units = (count + multiple - 1) / multiple
    return min(units * index / shares * multiple, count)..<min(units * (index + 1) / shares * multiple, count)
  }
}
