import Basics
import Testing

@testable import Segmentation

@Suite struct RegionTests {
  /// A map of digits, 0 where there is a dot.
  private func map(_ rows: [String]) -> (values: [Float], width: Int, height: Int) {
    (rows.flatMap { $0.map { $0.wholeNumberValue.map { Float($0) } ?? 0 } }, rows.first?.count ?? 0, rows.count)
  }

  private func find(
    _ rows: [String], limit: Int = 10, filter: RegionFinder.Filter = .init(),
    where isIncluded: (Int, Int) -> Bool = { _, _ in true }
  ) throws -> (count: Int, regions: [Region], contours: [[[Int]]]) {
    let (values, width, height) = map(rows)
    let finder = try RegionFinder(width: width, height: height, limit: limit)
    let found = finder.find(in: values, above: 0, filter: filter, where: isIncluded)
    let contours = found.kept.map { region in
      var corners: [[Int]] = []
      let count = found.contour(of: region) { _, x, y in corners.append([x, y]) }
      #expect(count == corners.count)
      return corners
    }
    return (found.count, Array(found.kept), contours)
  }

  @Test func aRegionIsMeasured() throws {
    let found = try find([
      ".....",
      "..12.",
      ".3...",
      "..3..",
    ])
    #expect(found.count == 1)
    let region = try #require(found.regions.first)
    #expect((region.x, region.y, region.width, region.height) == (1, 1, 3, 3))
    #expect(region.area == 4)
    // Of two equal peaks the first by rows.
    #expect((region.peak, region.peakX, region.peakY) == (3, 1, 2))
    #expect(region.mean == 2.25)
    #expect((region.centroidX, region.centroidY) == (2.5, 2.25))
    // Clockwise from the first pixel's corner, through the corners where pixels touch.
    #expect(
      found.contours == [
        [
          [2, 1], [4, 1], [4, 2], [2, 2], [2, 3], [3, 3], [3, 4], [2, 4], [2, 3], [1, 3], [1, 2], [2, 2],
        ]
      ])
  }

  /// Of one for larger maps nothing stays.
  @Test func aFinderServesMapsOfAnySize() throws {
    let finder = try RegionFinder(width: 7, height: 5, limit: 20)
    for rows in [["1.2", "...", "3.4"], ["11111", "1...1", "11111", ".....", "22.33", "22.33"], ["5"]] {
      let (values, width, height) = map(rows)
      _ = finder.find(in: [Float](repeating: 1, count: finder.width * finder.height), above: 0, filter: .init())
      try finder.fit(width: width, height: height, limit: 2)
      let expected = try find(rows, limit: 2)
      let found = finder.find(in: values, above: 0, filter: .init())
      #expect(found.count == expected.count && Array(found.kept) == expected.regions)
    }
  }

  @Test func contoursGoAroundHoles() throws {
    let found = try find(["111", "1.1", "111"])
    #expect(found.contours == [[[0, 0], [3, 0], [3, 3], [0, 3]]])
    #expect(found.regions.first?.area == 8)
    #expect(try find(["1"]).contours == [[[0, 0], [1, 0], [1, 1], [0, 1]]])
  }

  @Test func theMostSevereAreKept() throws {
    let rows = ["1.22.3.33", ".........", "9.33.1.22"]
    let all = try find(rows)
    #expect(all.count == 8)
    // By peak, then area, then place.
    #expect(
      all.regions.map { [Int($0.peak), $0.area, $0.y, $0.x] } == [
        [9, 1, 2, 0], [3, 2, 0, 7], [3, 2, 2, 2], [3, 1, 0, 5], [2, 2, 0, 2], [2, 2, 2, 7], [1, 1, 0, 0], [1, 1, 2, 5],
      ])
    for limit in 0...9 {
      let some = try find(rows, limit: limit)
      #expect(some.count == 8)
      #expect(some.regions == Array(all.regions.prefix(limit)))
    }
  }

  @Test func filtersCount() throws {
    let rows = ["1.22.3.33"]
    var filter = RegionFinder.Filter()
    filter.minimumArea = 2
    #expect(try find(rows, filter: filter).regions.map(\.x) == [7, 2])
    filter.minimumPeak = 3
    #expect(try find(rows, filter: filter).count == 1)
    #expect(try find(rows, where: { x, _ in x != 7 }).regions.map(\.x) == [5, 8, 2, 0])
  }

  @Test func nothingIsARegionToo() throws {
    #expect(try find(["...", "..."]).count == 0)
    #expect(throws: Failure.self) { try RegionFinder(width: 0, height: 1, limit: 1) }
    #expect(throws: Failure.self) { try RegionFinder(width: 1 << 40, height: 1 << 40, limit: 1) }
    // NaN and negative infinity are above nothing.
    let finder = try RegionFinder(width: 3, height: 1, limit: .max)
    #expect(finder.find(in: [.nan, -.infinity, 1], above: 0, filter: .init()).count == 1)
    #expect(finder.find(in: [1, 1, 1], above: .nan, filter: .init()).count == 0)
  }

  /// Pixels that the outside does not reach by steps to the sides without crossing the region that holds a pixel.
  private func filledRegion(_ values: [Float], width: Int, height: Int, holding start: Int) -> (
    Set<Int>, filled: Set<Int>
  ) {
    func reach(from starts: [Int], steps: [(Int, Int)], where isFree: (Int) -> Bool) -> Set<Int> {
      var reached = Set(starts.filter(isFree))
      var front = Array(reached)
      while let pixel = front.popLast() {
        for (dx, dy) in steps {
          let (x, y) = (pixel % width + dx, pixel / width + dy)
          guard x >= 0, x < width, y >= 0, y < height, isFree(y * width + x) else { continue }
          if reached.insert(y * width + x).inserted { front.append(y * width + x) }
        }
      }
      return reached
    }
    let sides = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    let region = reach(
      from: [start], steps: sides + [(1, 1), (1, -1), (-1, 1), (-1, -1)], where: { values[$0] > 0 })
    let border = (0..<width * height).filter {
      $0 % width == 0 || $0 % width == width - 1 || $0 / width == 0 || $0 / width == height - 1
    }
    let outside = reach(from: border, steps: sides, where: { !region.contains($0) })
    return (region, Set(0..<width * height).subtracting(outside))
  }

  /// Of noise the borders are as wild as they can be.
  @Test func filledContoursAreTheRegionsWithTheirHoles() throws {
    var random = Random(seed: 5, purpose: "regions of noise")
    for (width, height, share) in [
      (23, 17, 0.2), (17, 23, 0.4), (30, 30, 0.5), (1, 20, 0.5), (21, 1, 0.5), (16, 16, 0.9),
    ] {
      let values = (0..<width * height).map { _ in random.uniform() < share ? Float(random.uniform() + 0.1) : 0 }
      let finder = try RegionFinder(width: width, height: height, limit: .max)
      let found = finder.find(in: values, above: 0, filter: .init())
      #expect(found.count == found.kept.count)
      #expect(found.kept.reduce(0) { $0 + $1.area } == values.filter { $0 > 0 }.count)
      for region in found.kept {
        let (pixels, filled) = filledRegion(
          values, width: width, height: height, holding: region.peakY * width + region.peakX)
        #expect(region.area == pixels.count)
        var corners: [(x: Int, y: Int)] = []
        _ = found.contour(of: region) { _, x, y in corners.append((x, y)) }
        // By rows: whether an odd number of the polygon's vertical edges is to the left.
        var crossings = [Int](repeating: 0, count: (width + 1) * height)
        for (corner, next) in zip(corners, corners[1...] + corners[..<1]) where corner.x == next.x {
          for y in min(corner.y, next.y)..<max(corner.y, next.y) { crossings[y * (width + 1) + corner.x] += 1 }
        }
        let inside = (0..<width * height).filter { pixel in
          let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
          return crossings[y * (width + 1)...y * (width + 1) + x].reduce(0, +) % 2 == 1
        }
        #expect(Set(inside) == filled)
      }
    }
  }
}

extension RegionFinder {
  /// Marks the pixels of a map and finds their regions.
  fileprivate func find(
    in map: UnsafePointer<Float>, above threshold: Float, filter: Filter,
    where isIncluded: (_ x: Int, _ y: Int) -> Bool = { _, _ in true }
  ) -> FoundRegions {
    mark(rows: 0..<height, of: map, above: threshold, where: isIncluded)
    return find(in: map, filter: filter)
  }
}
