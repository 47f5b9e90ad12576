import Basics
import Testing

@testable import Evaluation

/// Which pixels belong to a region with its holes, of regions that are drawn.
@Suite struct RegionsTests {
  /// The drawing with its holes as `#`.
  private func filled(_ rows: [String]) throws -> [String] {
    let width = try #require(rows.first?.count)
    let regions = try Regions(width: width, height: rows.count)
    var result = [Character](repeating: ".", count: width * rows.count)
    rows.joined().map { $0 == "#" ? 1 : 0 as UInt8 }.withUnsafeBufferPointer { mask in
      guard let mask = mask.baseAddress else { return }
      regions.forEachRegion(in: mask) { pixels in regions.forEachFilledPixel(of: pixels) { result[$0] = "#" } }
    }
    return rows.indices.map { String(result[$0 * width..<($0 + 1) * width]) }
  }

  private func turned(_ rows: [String]) -> [String] {
    (0..<(rows.first?.count ?? 0)).map { x in String(rows.reversed().map { Array($0)[x] }) }
  }

  /// Open to each side in turn, with a way out that is not straight.
  @Test func whatIsOpenIsNoHole() throws {
    for open in [
      [".......", ".#####.", ".#.....", ".#.###.", ".#...#.", ".#####.", "......."],
      // By a step across a corner.
      ["......", ".####.", ".#..#.", ".#..#.", ".###..", "......"],
    ] {
      var rows = open
      for _ in 0..<4 {
        #expect(try filled(rows) == rows)
        rows = turned(rows)
      }
    }
  }

  @Test func holesAreFilled() throws {
    #expect(
      try filled(["........", ".#####..", ".#...#..", ".#.#.#.#", ".#...#..", ".#####..", "........"])
        == ["........", ".#####..", ".#####..", ".#####.#", ".#####..", ".#####..", "........"])
  }
}
