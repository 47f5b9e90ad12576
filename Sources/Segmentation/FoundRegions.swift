/// The regions of a map. Valid until their finder is given the next map.
package struct FoundRegions {
  /// How many there are.
  package let count: Int
  /// Those that were kept, the most severe first.
  package let kept: UnsafeBufferPointer<Region>
  /// On the map's mask.
  let border: OuterBorder

  /// The contour of a region: see ``OuterBorder``. Filled, it is the region with its holes.
  ///
  /// - Parameter body: is given the corners one by one.
  /// - Returns: how many there are.
  package func contour(of region: Region, _ body: (_ index: Int, _ x: Int, _ y: Int) -> Void) -> Int {
    border.trace(fromX: region.firstX, y: region.y, body)
  }
}
