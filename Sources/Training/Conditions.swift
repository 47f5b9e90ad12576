import Basics
import Flows
import Kernels

/// The conditions of a group's fibers. One half of a position's encoding depends on its column and the other on its
/// row, which many fibers share, so that the first layer's products are computed once for each column and each row.
package struct Conditions {
  /// One half of the conditions.
  package struct Axis {
    /// `length` rows of P / 2 values.
    package let table: UnsafePointer<Float>
    package let length: Int
    /// For each fiber of the group the index of its row in the table.
    package let places: UnsafePointer<Int32>

    package init(table: UnsafePointer<Float>, length: Int, places: UnsafePointer<Int32>) {
      self.table = table
      self.length = length
      self.places = places
    }
  }

  /// The first half of the conditions and the second.
  package let axes: (Axis, Axis)

  package init(_ first: Axis, _ second: Axis) { axes = (first, second) }

  subscript(axis: Int) -> Axis { axis == 0 ? axes.0 : axes.1 }
}

/// A level's positional encoding, and room for the places of a group's fibers.
package final class PositionConditions {
  let channels: Int
  private let grid: Grid
  private let tables: [SharedFloats]
  private let places: [Buffer<Int32>]

  package init(_ grid: Grid, channels: Int, groupCapacity: Int) throws(Failure) {
    self.channels = channels
    self.grid = grid
    tables = [
      try SharedFloats(PositionalEncoding.axis(length: grid.width, channels: channels)),
      try SharedFloats(PositionalEncoding.axis(length: grid.height, channels: channels)),
    ]
    places = [try Buffer(count: groupCapacity), try Buffer(count: groupCapacity)]
  }

  /// Sets a fiber's position, row-major in the grid.
  package func set(_ fiber: Int, position: Int) {
    places[0].base[fiber] = Int32(truncatingIfNeeded: position % grid.width)
    places[1].base[fiber] = Int32(truncatingIfNeeded: position / grid.width)
  }

  /// The conditions of the fibers as set last; nil for an unconditional flow.
  package var conditions: Conditions? {
    guard channels > 0 else { return nil }
    return Conditions(
      Conditions.Axis(table: tables[0].base, length: grid.width, places: places[0].base),
      Conditions.Axis(table: tables[1].base, length: grid.height, places: places[1].base))
  }
}
