import Basics
import Testing

@testable import Imaging

@Suite struct TilingTests {
  private func grid(_ tiling: Tiling, width: Int, height: Int) throws -> TileGrid {
    try Preprocessing(width: 32, height: 32, mean: [0, 0, 0], standardDeviation: [1, 1, 1], tiling: tiling)
      .tiles(frameWidth: width, frameHeight: height)
  }

  @Test func tilesCoverAFrameAndTheLastEndsWithIt() throws {
    let tiling = try Tiling(width: 100, height: 40, overlap: 20)
    let grid = try self.grid(tiling, width: 270, height: 40)
    #expect(grid.count == 4)
    #expect((0..<4).map { grid.rectangle($0).x } == [0, 80, 160, 170])
    #expect(grid.rectangle(3) == Frame.Rectangle(x: 170, y: 0, width: 100, height: 40))
  }

  @Test func tilesAreNumberedRowByRow() throws {
    let grid = try self.grid(Tiling(width: 64, height: 64, overlap: 0), width: 128, height: 192)
    #expect(grid.count == 6)
    #expect(grid.rectangle(3) == Frame.Rectangle(x: 64, y: 64, width: 64, height: 64))
  }

  @Test func aSmallFrameIsOneTile() throws {
    let grid = try self.grid(Tiling(width: 64, height: 64, overlap: 32), width: 50, height: 64)
    #expect(grid.count == 1)
    #expect(grid.rectangle(0) == Frame.Rectangle(x: 0, y: 0, width: 50, height: 64))
  }

  @Test func sizesOutOfRangeAreRefused() {
    for (width, height, overlap) in [(31, 64, 0), (64, 65536, 0), (64, 64, 33), (64, 64, -1)] {
      #expect(throws: Failure.self) { try Tiling(width: width, height: height, overlap: overlap) }
    }
  }

  /// A tile as a frame has the pixels of the frame there, of every kind of memory.
  @Test func aTileIsAPartOfItsFrame() throws {
    let (width, height) = (80, 48)
    let pixels = (0..<width * height).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / width) }
    try pixels.withUnsafeBufferPointer { pixels in
      let base = try #require(pixels.baseAddress)
      for isBottomUp in [false, true] {
        let frames = [
          try Frame(base: base, width: width, height: height, stride: width, format: .gray8, isBottomUp: isBottomUp),
          try Frame(base: base, width: width, height: height, stride: width, format: .bayerRG8, isBottomUp: isBottomUp),
        ]
        for frame in frames {
          let whole = try rgb(frame)
          let grid = try self.grid(Tiling(width: 32, height: 32, overlap: 8), width: width, height: height)
          for tile in 0..<grid.count {
            let part = grid.rectangle(tile)
            let pixels = try rgb(frame.part(part))
            for y in 0..<part.height {
              for x in 0..<3 * part.width {
                let expected = whole[(part.y + y) * 3 * width + 3 * part.x + x]
                if pixels[y * 3 * part.width + x] != expected {
                  Issue.record("tile \(tile) differs at \(x), \(y)")
                  return
                }
              }
            }
          }
        }
      }
    }
  }

  /// The frame's pixels, by a resize that changes nothing.
  private func rgb(_ frame: Frame) throws -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: 3 * frame.width * frame.height)
    let resizer = try Resizer(width: frame.width, height: frame.height)
    try pixels.withUnsafeMutableBufferPointer { try resizer.resize(frame, into: #require($0.baseAddress)) }
    return pixels
  }
}
