import Basics

/// How frames are cut into tiles that the network sees one by one.
package struct Tiling: Sendable, Equatable {
  /// A tile's width, in pixels of the frame.
  package let width: Int
  package let height: Int
  /// How many pixels neighbours share at least; at most half of a tile's shorter side.
  package let overlap: Int

  /// Smallest side of a tile, in pixels.
  package static let minimumSide = 32

  /// Fails with `.invalidArgument`.
  package init(width: Int, height: Int, overlap: Int) throws(Failure) {
    let sides = Self.minimumSide...Frame.maximumSide
    guard sides.contains(width), sides.contains(height) else {
      throw Failure(.invalidArgument, "the tile size \(width)x\(height) is not within \(sides) pixels")
    }
    let overlaps = 0...min(width, height) / 2
    guard overlaps.contains(overlap) else {
      throw Failure(
        .invalidArgument, "the overlap of \(overlap) pixels is not within \(overlaps), half the shorter side of a tile")
    }
    self.width = width
    self.height = height
    self.overlap = overlap
  }
}

/// The tiles of frames of one size, all equally large and numbered row by row, and where each tile's map lies in the
/// frame's map. The scale of that map is the one at which a tile is as large as the network's input. A frame that is
/// not cut is a single tile.
package struct TileGrid: Sendable, Equatable {
  package let columns: TileAxis
  package let rows: TileAxis

  package var count: Int { columns.count * rows.count }

  /// The pixels of the frame that a tile covers.
  package func rectangle(_ tile: Int) -> Frame.Rectangle {
    let (row, column) = place(tile)
    return Frame.Rectangle(x: columns.start(column), y: rows.start(row), width: columns.tile, height: rows.tile)
  }

  /// A tile's row and column.
  package func place(_ tile: Int) -> (row: Int, column: Int) {
    let (row, column) = tile.quotientAndRemainder(dividingBy: columns.count)
    return (row, column)
  }
}

extension Preprocessing {
  /// The tiles that frames of this size, 1...65535 pixels a side, are cut into.
  package func tiles(frameWidth: Int, frameHeight: Int) -> TileGrid {
    TileGrid(
      columns: TileAxis(
        length: frameWidth, tile: tiling?.width ?? frameWidth, overlap: tiling?.overlap ?? 0, mapTile: width),
      rows: TileAxis(
        length: frameHeight, tile: tiling?.height ?? frameHeight, overlap: tiling?.overlap ?? 0, mapTile: height))
  }
}

/// Tiles along one axis: from the frame's beginning, one step apart, the last one shifted so that it ends with the
/// frame.
package struct TileAxis: Sendable, Equatable {
  /// The frame's length in pixels.
  package let length: Int
  /// A tile's length in pixels, at most the frame's.
  package let tile: Int
  /// The length of a tile's map.
  package let mapTile: Int
  package let count: Int
  private let step: Int

  /// - Parameter overlap: below `tile`.
  init(length: Int, tile: Int, overlap: Int, mapTile: Int) {
    self.length = length
    self.tile = min(tile, length)
    self.mapTile = mapTile
    step = tile - overlap
    count = length <= tile ? 1 : 1 + (length - tile + step - 1) / step
  }

  /// A tile's first pixel.
  package func start(_ index: Int) -> Int { min(index * step, length - tile) }

  /// The length of the frame's map.
  package var mapLength: Int { scaled(length) }

  /// The first place of a tile's map. The maps of neighbours leave no gap, and the last one ends with the frame's.
  package func mapStart(_ index: Int) -> Int { scaled(start(index)) }

  /// Pixels as places of the map, rounded; exact for whole tiles.
  private func scaled(_ pixels: Int) -> Int { (pixels * mapTile + tile / 2) / tile }
}
