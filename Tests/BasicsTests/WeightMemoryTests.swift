import Testing

@testable import Basics

@Suite struct WeightMemoryTests {
  /// Weights of all sizes, one larger than the pieces that memory is taken in, keep what is written to them.
  @Test func weightsDoNotMeet() throws {
    let memory = WeightMemory()
    let counts = [1, 16, 17, 0, 40_000, 3 << 20, 17 << 20, 5]
    var all: [SharedFloats] = []
    for (number, count) in counts.enumerated() {
      all.append(
        try SharedFloats(count: count, in: memory) { floats in
          #expect(Int(bitPattern: floats) % 64 == 0)
          for i in [0, count / 2, count - 1] where count > 0 {
            #expect(floats[i] == 0 || i == 0 || count == 1)
            floats[i] = Float(number + 1)
          }
        })
    }
    memory.close()
    for (number, floats) in all.enumerated() where floats.count > 0 {
      #expect(floats.base[0] == Float(number + 1))
      #expect(floats.base[floats.count - 1] == Float(number + 1))
    }
    // What comes after has other memory.
    let later = try SharedFloats(count: 8, in: memory) { $0[0] = -1 }
    #expect(later.base[0] == -1 && all.last?.base[0] == 8)
  }

  @Test func amountsThatDoNotFitFail() {
    let memory = WeightMemory()
    for count in [Int.max / 9, .max / 9, .max / 9, .max / 9, .max / 4, .max] {
      let failure = #expect(throws: Failure.self) { try SharedFloats(count: count, in: memory) { _ in } }
      #expect(failure?.kind == .outOfMemory)
    }
  }
}
