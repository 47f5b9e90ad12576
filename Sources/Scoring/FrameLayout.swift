import Basics
import Imaging

/// What follows from a frame's size: into which tiles the frame is cut, how their maps are put together, what of the map counts,
/// and the tables that bring it to the frame's size. Immutable.
package final class FrameLayout {
  package let frameWidth: Int
  package let frameHeight: Int
  package let tiles: TileGrid
  /// The map's size, at the network's scale.
  package let width: Int
  package let height: Int
  /// width x height.
  let count: Int
  let columns: BlendedAxis
  let rows: BlendedAxis
  /// The region in which frames are scored, at the map's size; nil for all of it.
  let region: RegionOfInterest?
  /// tiles x positions: whether a place of the region uses the position; nil without a region.
  private let used: Buffer<Bool>?
  /// The tables that bring the map to the frame's size: bilinear, with the geometry of the frame's resize turned round.
  let frameColumns: ResampledAxis
  let frameRows: ResampledAxis

  /// Fails with `.outOfMemory`, and with `.invalidArgument` when no place of the map lies in the region.
  init(
    _ preprocessing: Preprocessing, _ upsampler: LikelihoodUpsampler, frameWidth: Int, frameHeight: Int,
    region: RegionOfInterest?
  ) throws(Failure) {
    let tiles = preprocessing.tiles(frameWidth: frameWidth, frameHeight: frameHeight)
    self.frameWidth = frameWidth
    self.frameHeight = frameHeight
    self.tiles = tiles
    width = tiles.columns.mapLength
    height = tiles.rows.mapLength
    guard let count = checkedProduct([width, height]) else {
      throw Failure(.outOfMemory, "a map of \(width)x\(height) values is too large")
    }
    self.count = count
    columns = try BlendedAxis(tiles.columns)
    rows = try BlendedAxis(tiles.rows)
    self.region = try region?.resized(width: width, height: height)
    used = try self.region.map { (region) throws(Failure) in try Self.used(tiles, upsampler, by: region) }
    frameColumns = try ResampledAxis(length: width, cellsTo: frameWidth)
    frameRows = try ResampledAxis(length: height, cellsTo: frameHeight)
  }

  private static func used(
    _ tiles: TileGrid, _ upsampler: LikelihoodUpsampler, by region: RegionOfInterest
  ) throws(Failure) -> Buffer<Bool> {
    let positions = upsampler.positionCounts.reduce(0, +)
    guard let count = checkedProduct([tiles.count, positions]) else {
      throw Failure(.outOfMemory, "\(tiles.count) tiles are too many")
    }
    let used = try Buffer<Bool>(count: count)
    for tile in 0..<tiles.count {
      let (row, column) = tiles.place(tile)
      let (left, top) = (tiles.columns.mapStart(column), tiles.rows.mapStart(row))
      upsampler.markUsed(used.base + tile * positions) { x, y in region.mask[(top + y) * region.width + left + x] != 0 }
    }
    return used
  }

  /// Which of a tile's positions the region uses; nil without a region, when all are used.
  func used(_ tile: Int) -> UnsafePointer<Bool>? {
    used.map { UnsafePointer($0.base + tile &* ($0.count / tiles.count)) }
  }

  /// Whether a place of the map, y * width + x, counts.
  func isInside(_ place: Int) -> Bool {
    region?.mask.withUnsafeBufferPointer { $0[place] != 0 } ?? true
  }

  /// Whether a pixel of the frame counts, that is, whether its centre lies inside.
  func isInside(frameX x: Int, frameY y: Int) -> Bool {
    region?.contains(x: x, y: y, ofWidth: frameWidth, height: frameHeight) ?? true
  }
}
