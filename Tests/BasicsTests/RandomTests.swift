import Support
import Testing

@testable import Basics

struct RandomTests {
  /// The first outputs of xoshiro256** from the state 1, 2, 3, 4, by the authors' C code.
  @Test func followsTheReference() {
    var random = Random(state: (1, 2, 3, 4))
    let expected: [UInt64] = [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]
    #expect((0..<4).map { _ in random.next() } == expected)
  }

  @Test func streamsAreNamed() {
    func first(_ random: Random) -> UInt64 {
      var random = random
      return random.next()
    }
    let streams = [
      Random(seed: 0), Random(seed: 1), Random(seed: 0, purpose: "a"), Random(seed: 0, purpose: "b"),
      Random(seed: 0, purpose: "a", 0), Random(seed: 0, purpose: "a", 1), Random(seed: 0, purpose: "a", 0, 1),
      Random(seed: 0, purpose: "a", 1, 0), Random(seed: 0, purpose: "a", 0, 0), Random(seed: 0, purpose: "a", -1),
    ].map(first)
    #expect(Set(streams).count == streams.count)
    #expect(first(Random(seed: 5, purpose: "x", 2, 3)) == first(Random(seed: 5, purpose: "x", 2, 3)))
  }

  @Test func uniformMoments() {
    var random = Random(seed: 1)
    let values = (0..<20000).map { _ in random.uniform() }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = values.reduce(0, +) / 20000
    let square = values.reduce(0) { $0 + $1 * $1 } / 20000
    // Five standard errors.
    expectClose(mean, 0.5, within: 5 * 0.2887 / 141.4)
    expectClose(square, 1.0 / 3, within: 5 * 0.2981 / 141.4)
    #expect((0..<1000).allSatisfy { _ in (-2...3).contains(random.uniform(in: -2...3)) })
  }

  @Test func normalMoments() {
    var random = Random(seed: 2)
    let values = (0..<20000).map { _ in random.normal() }
    let moments = (1...4).map { power in
      values.reduce(0) { sum, value in sum + (0..<power).reduce(1) { product, _ in product * value } } / 20000
    }
    // 0, 1, 0, 3 within five standard errors: the deviations are 1, sqrt 2, sqrt 15, sqrt 96.
    for (moment, (expected, deviation)) in zip(moments, [(0.0, 1.0), (1, 1.414), (0, 3.873), (3, 9.798)]) {
      expectClose(moment, expected, within: 5 * deviation / 141.4)
    }
  }

  @Test func integersAreEvenlySpread() {
    var random = Random(seed: 3)
    var counts = [Int](repeating: 0, count: 6)
    for _ in 0..<12000 { counts[random.integer(below: 6)] += 1 }
    // 2000 expected, deviation 40.8.
    #expect(counts.allSatisfy { abs($0 - 2000) < 204 })
    #expect(random.integer(below: 1) == 0)
    #expect(random.integer(below: 0) == 0)
    #expect(random.integer(below: -4) == 0)
  }

  @Test func permutationsAreAllEquallyLikely() {
    var random = Random(seed: 4)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[random.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    // 1000 expected, deviation 28.9.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 145 })
    #expect(random.permutation(0) == [])
    #expect(random.permutation(-1) == [])
    #expect(random.permutation(100).sorted() == Array(0..<100))
  }
}
