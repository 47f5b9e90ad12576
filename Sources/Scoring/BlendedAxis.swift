import Basics
import Imaging

/// The weights by which the maps of a frame's tiles are blended along one axis. The farther a place is from a tile's ends, the more
/// the tile weighs there. The weights at a place sum to 1, and the weight of a single tile is exactly 1.
struct BlendedAxis {
  private let tileLength: Int
  /// tiles x tileLength.
  private let values: FloatBuffer

  init(_ axis: TileAxis) throws(Failure) {
    tileLength = axis.mapTile
    values = try FloatBuffer(count: axis.count * tileLength)
    let sums = try Buffer<Double>(count: axis.mapLength)
    for tile in 0..<axis.count {
      for i in 0..<tileLength { sums.base[axis.mapStart(tile) + i] += distance(i) }
    }
    for tile in 0..<axis.count {
      for i in 0..<tileLength {
        values.base[tile * tileLength + i] = Float(distance(i) / sums.base[axis.mapStart(tile) + i])
      }
    }
  }

  /// A tile's weights at its `tileLength` places.
  func weights(_ tile: Int) -> UnsafePointer<Float> { UnsafePointer(values.base + tile &* tileLength) }

  /// The distance from the centre of a place to the nearer end of its tile.
  private func distance(_ place: Int) -> Double { Double(min(place, tileLength - 1 - place)) + 0.5 }
}
