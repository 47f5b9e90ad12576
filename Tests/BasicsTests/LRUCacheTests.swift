import Testing

@testable import Basics

struct LRUCacheTests {
  private final class Table {
    let size: Int

    init(_ size: Int) { self.size = size }
  }

  @Test func fourAreRemembered() throws {
    var tables = LRUCache<Table>()
    var made: [Int] = []
    func use(_ sizes: Int...) throws {
      for size in sizes {
        let table = try tables.element {
          $0.size == size
        } orMake: {
          made.append(size)
          return Table(size)
        }
        #expect(table.size == size)
      }
    }
    try use(1, 2, 3, 4)
    try use(1, 2, 3, 4, 4, 1, 3)
    #expect(made == [1, 2, 3, 4])
    // What was not used for longest goes: 2, then 4.
    try use(5, 1, 3, 4, 5)
    #expect(made == [1, 2, 3, 4, 5])
    try use(2, 5, 4, 3)
    #expect(made == [1, 2, 3, 4, 5, 2])
    try use(1)
    #expect(made == [1, 2, 3, 4, 5, 2, 1])
  }

  @Test func whatCannotBeMadeIsNotKept() throws {
    var tables = LRUCache<Table>()
    let failure = #expect(throws: Failure.self) {
      try tables.element { _ in
        true
      } orMake: { () throws(Failure) in
        throw Failure(.outOfMemory, "none")
      }
    }
    #expect(failure?.kind == .outOfMemory)
    let kept = try tables.element(where: { _ in true }, orMake: { Table(1) })
    #expect(kept.size == 1)
  }
}
