import Basics
import Testing

@Suite struct MemoryTests {
  @Test func whatCannotBeHadIsAskedForInVain() throws {
    try checkMemory(for: 0, of: Float.self)
    try checkMemory(for: 1000, of: Float.self)
    for count in [Int.max / 16, .max] {
      #expect { try checkMemory(for: count, of: Double.self) } throws: { ($0 as? Failure)?.kind == .outOfMemory }
      #expect { try Buffer<Double>(count: count) } throws: { ($0 as? Failure)?.kind == .outOfMemory }
    }
  }
}
