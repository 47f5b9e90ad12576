import Basics

/// A frame kept for later: its tiles, resized to the network's size.
package struct PreparedFrame: Hashable {
  package let width: Int
  package let height: Int
  /// The tiles, height x width RGB8 pixels of the network's size each.
  package let pictures: [[UInt8]]

  /// - Parameter resizer: to the network's size.
  package init(_ frame: Frame, _ preprocessing: Preprocessing, resizer: Resizer) throws(Failure) {
    let tiles = preprocessing.tiles(frameWidth: frame.width, frameHeight: frame.height)
    var pictures: [[UInt8]] = []
    for tile in 0..<tiles.count {
      try checkMemory(for: 3 * resizer.width * resizer.height, of: UInt8.self)
      var pixels = [UInt8](repeating: 0, count: 3 * resizer.width * resizer.height)
      try pixels.withUnsafeMutableBufferPointer { (pixels) throws(Failure) in
        guard let base = pixels.baseAddress else { return }
        try resizer.resize(frame.part(tiles.rectangle(tile)), into: base)
      }
      pictures.append(pixels)
    }
    self.init(width: frame.width, height: frame.height, pictures: pictures)
  }

  private init(width: Int, height: Int, pictures: [[UInt8]]) {
    self.width = width
    self.height = height
    self.pictures = pictures
  }

  /// A changed copy of this frame. The change is made at the network's scale, to the image that the tiles form
  /// together, so that tiles show the same where they overlap.
  ///
  /// - Parameter change: changes an image of height x width RGB8 pixels.
  package func changed(
    _ preprocessing: Preprocessing, _ change: (_ pixels: inout [UInt8], _ width: Int, _ height: Int) -> Void
  ) -> PreparedFrame {
    let tiles = preprocessing.tiles(frameWidth: width, frameHeight: height)
    let (imageWidth, imageHeight) = (tiles.columns.mapLength, tiles.rows.mapLength)
    let lineLength = 3 * tiles.columns.mapTile
    /// Calls the body for each line of a tile with the offsets at which it begins in the tile and in the image.
    func forEachLine(of tile: Int, _ body: (_ inTile: Int, _ inImage: Int) -> Void) {
      let (row, column) = tiles.place(tile)
      let (left, top) = (tiles.columns.mapStart(column), tiles.rows.mapStart(row))
      for y in 0..<tiles.rows.mapTile { body(y * lineLength, 3 * ((top + y) * imageWidth + left)) }
    }
    var image = [UInt8](repeating: 0, count: 3 * imageWidth * imageHeight)
    for (tile, picture) in pictures.enumerated() {
      forEachLine(of: tile) { image.replaceSubrange($1..<$1 + lineLength, with: picture[$0..<$0 + lineLength]) }
    }
    change(&image, imageWidth, imageHeight)
    var changed = pictures
    for tile in changed.indices {
      forEachLine(of: tile) { changed[tile].replaceSubrange($0..<$0 + lineLength, with: image[$1..<$1 + lineLength]) }
    }
    return PreparedFrame(width: width, height: height, pictures: changed)
  }
}
