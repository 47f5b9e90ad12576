import Basics

/// A frame that is kept: its tiles at the network's size.
package struct PreparedFrame: Hashable {
  package let width: Int
  package let height: Int
  /// Of each tile height x width RGB8 of the network's size.
  package let pictures: [[UInt8]]

  /// - Parameter resizer: to the network's size.
  package init(_ frame: Frame, _ preprocessing: Preprocessing, resizer: Resizer) throws(Failure) {
    let tiles = preprocessing.tiles(frameWidth: frame.width, frameHeight: frame.height)
    var pictures: [[UInt8]] = []
    for tile in 0..<tiles.count {
      var pixels = [UInt8](repeating: 0, count: 3 * resizer.width * resizer.height)
      try pixels.withUnsafeMutableBufferPointer { (pixels) throws(Failure) in
        guard let base = pixels.baseAddress else { return }
        try resizer.resize(frame.part(tiles.rectangle(tile)), into: base)
      }
      pictures.append(pixels)
    }
    width = frame.width
    height = frame.height
    self.pictures = pictures
  }
}
