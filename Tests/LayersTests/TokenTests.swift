import Basics
import Foundation
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

@Suite struct TokenTests {
  /// Fewer and more tokens than are computed at once, heads of whole and of ragged vectors.
  @Test(arguments: [(1, 8), (7, 5), (50, 16), (101, 24)])
  func attentionEqualsItsFormula(tokens: Int, width: Int) throws {
    let heads = 3
    let channels = heads * width
    let x = Generated.unit("attention", count: tokens * 3 * channels).map { Float(2 * $0) }
    let attention = Attention(heads: heads)
    let plan = try attention.plan(Grid(height: 1, width: tokens, channels: 3 * channels))
    #expect(plan.output == Grid(height: 1, width: tokens, channels: channels))
    let workers = try Workers(count: 2)
    var y = [Float](repeating: .nan, count: plan.output.count)
    try attention.run(x, plan, into: &y, workers: workers)
    func value(_ token: Int, _ part: Int, _ head: Int, _ i: Int) -> Double {
      Double(x[(token * 3 + part) * channels + head * width + i])
    }
    var expected = [Double](repeating: .nan, count: y.count)
    for head in 0..<heads {
      for query in 0..<tokens {
        let powers = (0..<tokens).map { key in
          Foundation.exp(
            (0..<width).reduce(0.0) { $0 + value(query, 0, head, $1) * value(key, 1, head, $1) }
              / Double(width).squareRoot())
        }
        let sum = powers.reduce(0, +)
        for i in 0..<width {
          expected[query * channels + head * width + i] = (0..<tokens).reduce(0.0) {
            $0 + powers[$1] / sum * value($1, 2, head, i)
          }
        }
      }
    }
    expectClose(y, expected, within: 5e-6)
  }

  @Test func channelsThatAreNotHeadsAreRefused() {
    #expect(throws: Failure.self) { try Attention(heads: 3).plan(Grid(height: 1, width: 4, channels: 24)) }
  }

  @Test func tokensOfTheWeightsOwnGrid() throws {
    let assembly = try TokenAssembly(
      classToken: [1, 2], positions: (0..<10).map { Float($0) * 10 }, side: 2)
    let plan = try assembly.plan(Grid(height: 2, width: 2, channels: 2))
    var y = [Float](repeating: .nan, count: 10)
    try assembly.run([1, 2, 3, 4, 5, 6, 7, 8], plan, into: &y, workers: Workers(count: 1))
    #expect(y == [1, 12, 21, 32, 43, 54, 65, 76, 87, 98])
  }

  /// The values of torch.nn.functional.interpolate(mode="bicubic", antialias=True) for [[0, 1, 2], [3, 5, 7], [8, 9, 4]].
  @Test func otherGridsAreInterpolated() throws {
    let positions: [Float] = [0, 0, 1, 2, 3, 5, 7, 8, 9, 4]
    let assembly = try TokenAssembly(classToken: [0], positions: positions, side: 3)
    let plan = try assembly.plan(Grid(height: 2, width: 5, channels: 1))
    #expect(plan.output == Grid(height: 1, width: 11, channels: 1))
    var y = [Float](repeating: .nan, count: 11)
    try assembly.run([Float](repeating: 0, count: 10), plan, into: &y, workers: Workers(count: 1))
    let expected: [Float] = [
      0.7442074, 1.263649, 2.239165, 3.360221, 3.993064, 6.265877, 6.970748, 7.760835, 6.193167, 5.060935,
    ]
    expectClose(y[1...], expected, within: 1e-5)
  }

  @Test func positionsOfAnotherSizeAreRefused() {
    #expect(throws: Failure.self) { try TokenAssembly(classToken: [0], positions: [0, 1, 2], side: 2) }
  }
}
