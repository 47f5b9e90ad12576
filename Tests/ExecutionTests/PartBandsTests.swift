import Testing

@testable import Execution

@Suite struct PartBandsTests {
  @Test func aThreadTakesItsOwnBandFirstAndThenTheEndsOfOthers() throws {
    let bands = try PartBands(count: 3)
    for _ in 0..<2 {
      bands.deal(10)
      // 0..<3, 3..<6 and 6..<10.
      #expect((0..<3).map { _ in bands.next(for: 1) } == [3, 4, 5])
      #expect((0..<2).map { _ in bands.next(for: 1) } == [9, 8])
      #expect(bands.next(for: 0) == 0)
      #expect((0..<3).map { _ in bands.next(for: 2) } == [6, 7, 2])
      #expect((0..<2).map { _ in bands.next(for: 1) } == [1, nil])
    }
  }

  @Test(arguments: [0, 1, 2, 7])
  func fewPartsAreAllTaken(parts: Int) throws {
    let bands = try PartBands(count: 4)
    bands.deal(parts)
    var taken: [Int] = []
    while let part = bands.next(for: taken.count % 4) { taken.append(part) }
    #expect(taken.sorted() == Array(0..<parts))
  }
}
