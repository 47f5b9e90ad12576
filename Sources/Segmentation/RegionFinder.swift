import Basics

/// Finds the regions of maps, and keeps the most severe ones. It allocates in advance: 6 bytes per pixel of the largest
/// map, and a ``Region`` for each one that is kept.
package final class RegionFinder {
  package var width: Int { connected.width }
  package var height: Int { connected.height }
  private let connected: ConnectedPixels
  /// Not 0 above the threshold.
  private var mask: Buffer<UInt8>
  /// The most severe of the map's regions, up to `limit`.
  private var kept: Buffer<Region>
  /// How many regions are kept at most.
  private var limit = 0

  /// Which regions count.
  package struct Filter: Sendable, Equatable {
    /// Fewest pixels.
    package var minimumArea: Int
    /// Lowest peak; nil for any.
    package var minimumPeak: Float?

    package init(minimumArea: Int = 1, minimumPeak: Float? = nil) {
      self.minimumArea = minimumArea
      self.minimumPeak = minimumPeak
    }
  }

  /// Prepares for maps of a size, as ``fit(width:height:limit:)`` does.
  package init(width: Int, height: Int, limit: Int) throws(Failure) {
    connected = try ConnectedPixels(width: width, height: height)
    mask = try Buffer(count: 0)
    kept = try Buffer(count: 0)
    try fit(width: width, height: height, limit: limit)
  }

  /// Prepares for maps of another size, and for keeping up to `limit` regions; allocates only for the largest so far.
  /// Fails with `.unsupported` when the map is too large, or `.outOfMemory`.
  package func fit(width: Int, height: Int, limit: Int) throws(Failure) {
    try connected.fit(width: width, height: height)
    if mask.count < width * height { mask = try Buffer(count: width * height) }
    // A map has no more regions, since each has a block of 2 x 2 pixels to itself.
    self.limit = min(max(limit, 0), (width + 1) / 2 * ((height + 1) / 2))
    if kept.count < self.limit { kept = try Buffer(count: self.limit) }
  }

  /// Marks where some rows of a map are above a threshold. Threads may share the rows; all must be marked before ``find``.
  ///
  /// - Parameters:
  ///   - map: height x width values.
  ///   - isIncluded: whether a pixel above the threshold counts.
  package func mark(
    rows: Range<Int>, of map: UnsafePointer<Float>, above threshold: Float,
    where isIncluded: (_ x: Int, _ y: Int) -> Bool
  ) {
    for y in rows {
      let (row, target) = (map + y &* width, mask.base + y &* width)
      for x in 0..<width { target[x] = row[x] > threshold ? 1 : 0 }
      forEachNonzero(target, count: width) { x in
        if !isIncluded(x, y) { target[x] = 0 }
      }
    }
  }

  /// Finds the regions of the marked pixels of a map.
  package func find(in map: UnsafePointer<Float>, filter: Filter) -> FoundRegions {
    var (count, keptCount) = (0, 0)
    connected.forEachRegion(in: mask.base) { pixels in
      guard pixels.count >= filter.minimumArea else { return }
      let region = Region(pixels, map: map, imageWidth: width)
      if let minimumPeak = filter.minimumPeak, region.peak < minimumPeak { return }
      count &+= 1
      if keptCount < limit {
        rise(region, from: keptCount)
        keptCount &+= 1
      } else if limit > 0, region.isMoreSevere(than: kept.base[0]) {
        sink(region, count: limit)
      }
    }
    sort(keptCount)
    return FoundRegions(
      count: count, kept: UnsafeBufferPointer(start: kept.base, count: keptCount),
      border: OuterBorder(mask: mask.base, width: width, height: height))
  }

  // The kept regions are a binary heap while they are collected, the least severe at its root.

  /// Puts a region behind the heap's last one.
  private func rise(_ region: Region, from last: Int) {
    var child = last
    while child > 0 {
      let parent = (child &- 1) / 2
      guard kept.base[parent].isMoreSevere(than: region) else { break }
      kept.base[child] = kept.base[parent]
      child = parent
    }
    kept.base[child] = region
  }

  /// Puts a region in the place of the heap's root.
  private func sink(_ region: Region, count: Int) {
    var parent = 0
    while true {
      var child = 2 &* parent &+ 1
      guard child < count else { break }
      if child &+ 1 < count, kept.base[child].isMoreSevere(than: kept.base[child &+ 1]) { child &+= 1 }
      guard region.isMoreSevere(than: kept.base[child]) else { break }
      kept.base[parent] = kept.base[child]
      parent = child
    }
    kept.base[parent] = region
  }

  /// Turns the heap of so many regions into a list, the most severe first.
  private func sort(_ keptCount: Int) {
    var count = keptCount
    while count > 1 {
      count &-= 1
      let last = kept.base[count]
      kept.base[count] = kept.base[0]
      sink(last, count: count)
    }
  }
}
