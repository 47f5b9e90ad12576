/// The type of a map's or a matrix's numbers.
package enum ElementType: Sendable {
  case float32, uint8, int8, int16

  package var byteCount: Int {
    switch self {
    case .float32: 4
    case .int16: 2
    case .uint8, .int8: 1
    }
  }
}

/// A batch of feature maps of one grid, which lie one after the other in memory.
package struct MapShape: Sendable, Equatable {
  package let batch: Int
  package let grid: Grid
  package let element: ElementType

  package init(_ grid: Grid, batch: Int = 1, element: ElementType = .float32) {
    self.batch = batch
    self.grid = grid
    self.element = element
  }

  package var byteCount: Int { batch * grid.count * element.byteCount }
}
