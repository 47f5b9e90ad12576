import Basics
import Testing

@testable import Imaging
@testable import Scoring

@Suite struct RegionOfInterestTests {
  private func rows(_ region: RegionOfInterest) -> [String] {
    (0..<region.height).map { y in
      (0..<region.width).map { region.mask[y * region.width + $0] == 0 ? "." : "#" }.joined()
    }
  }

  /// The one tile that a frame is, for a network's input of this size.
  private func tile(_ width: Int, _ height: Int, frameWidth: Int, frameHeight: Int) -> TileGrid {
    TileGrid(
      columns: TileAxis(length: frameWidth, tile: frameWidth, overlap: 0, mapTile: width),
      rows: TileAxis(length: frameHeight, tile: frameHeight, overlap: 0, mapTile: height))
  }

  @Test func centresDecide() throws {
    // A frame twice as wide and thrice as high: centres of columns are at 1, 3, 5, 7, of rows at 1.5, 4.5, 7.5.
    let region = try RegionOfInterest(
      tile(4, 3, frameWidth: 8, frameHeight: 9),
      rectangles: [.init(x: 3, y: 0, width: 3, height: 5), .init(x: 0, y: 7, width: 99, height: 1)])
    #expect(rows(region) == [".##.", ".##.", "####"])
    // At the frame's size each cell is two by three; at half the width centres lie in the second and the fourth column.
    let wide = ["..####..", "..####..", "..####..", "..####..", "..####..", "..####.."]
    #expect(rows(try region.resized(width: 8, height: 9)) == wide + Array(repeating: "########", count: 3))
    #expect(rows(try region.resized(width: 2, height: 3)) == ["#.", "#.", "##"])
    #expect(try region.resized(width: 4, height: 3) == region)
    #expect(region.contains(x: 2, y: 0, ofWidth: 8, height: 9))
    #expect(!region.contains(x: 1, y: 0, ofWidth: 8, height: 9))
    #expect(region.contains(x: 0, y: 0, ofWidth: 1, height: 1))
    #expect(region.contains(x: 65534, y: 65534, ofWidth: 65535, height: 65535))
  }

  @Test func aMaskIsLaidOver() throws {
    let values: [UInt8] = [0, 255, 9, 9, 1, 0, 9, 9]
    try values.withUnsafeBufferPointer { values in
      let mask = try BorrowedMask(base: #require(values.baseAddress), width: 2, height: 2, stride: 4)
      let tile = tile(4, 2, frameWidth: 4, frameHeight: 2)
      #expect(rows(try RegionOfInterest(tile, rectangles: nil, mask: mask)) == ["..##", "##.."])
      let both = try RegionOfInterest(tile, rectangles: [.init(x: 0, y: 0, width: 3, height: 1)], mask: mask)
      #expect(rows(both) == ["..#.", "...."])
      let base = try #require(values.baseAddress)
      for (width, height, stride) in [(0, 1, 4), (1, 65536, 4), (3, 1, 2), (1, 65535, Int.max)] {
        #expect(throws: Failure.self) { try BorrowedMask(base: base, width: width, height: height, stride: stride) }
      }
    }
  }

  @Test func hugeMapsAreRefused() {
    let tiles = TileGrid(
      columns: TileAxis(length: 65535, tile: 32, overlap: 16, mapTile: 2048),
      rows: TileAxis(length: 65535, tile: 32, overlap: 16, mapTile: 2048))
    #expect(#expect(throws: Failure.self) { try RegionOfInterest(tiles, rectangles: []) }?.kind == .unsupported)
  }

  @Test func emptyRegionsAreRefused() {
    #expect(throws: Failure.self) { try RegionOfInterest(width: 2, height: 1, mask: [0, 0]) }
    #expect(throws: Failure.self) { try RegionOfInterest(width: 2, height: 2, mask: [1, 1]) }
    #expect(throws: Failure.self) {
      try RegionOfInterest(
        tile(2, 2, frameWidth: 100, frameHeight: 100), rectangles: [.init(x: 1, y: 1, width: 3, height: 3)])
    }
  }
}
