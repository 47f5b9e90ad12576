import Basics
import Execution
import Flows
import Foundation
import Kernels
import Support
import Testing

@testable import Training

/// ln(1 + e^x).
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

struct FlowTrainerTests {
  /// A run of `steps` steps on its own data.
  private func run(seed: UInt64, steps: Int = 5, threads: Int = 2) throws -> (weights: StateDictionary, losses: [Float])
  {
    let description = try FlowDescription(blockCount: 2, conditionChannels: 8)
    var random = Random(seed: seed, purpose: "flow")
    let weights = try FlowTrainer.initialWeights(channels: 9, description: description, random: &random)
    let trainer = try FlowTrainer(
      channels: 9, description: description, weights: weights, groupCapacity: 16, placeCapacity: 16,
      workers: Workers(count: threads))
    let conditions = try RowConditions(Generated.values("conditions", 16 * 8), channels: 8, count: 16)
    let losses = try (0..<steps).map { step in
      try trainer.step(
        fibers: Generated.values("fibers/\(step)", 16 * 9), conditions: conditions.conditions, count: 16,
        learningRate: 1e-2)
    }
    return (try trainer.weights, losses)
  }

  @Test func sameSeedGivesTheSameBits() throws {
    let first = try run(seed: 3)
    let second = try run(seed: 3)
    #expect(first.weights == second.weights)
    #expect(first.losses == second.losses)
    #expect(try run(seed: 4).losses != first.losses)
  }

  @Test func threadsDoNotChangeTheBits() throws {
    let alone = try largeRun(threads: 1)
    for threads in [2, 3] {
      let shared = try largeRun(threads: threads)
      #expect(shared.weights == alone.weights)
      #expect(shared.losses == alone.losses)
    }
  }

  /// Steps with many parts and with places that fibers share.
  private func largeRun(threads: Int) throws -> (weights: StateDictionary, losses: [Float]) {
    let (channels, count) = (601, 61)
    let grid = Grid(height: 5, width: 9, channels: channels)
    let description = try FlowDescription(blockCount: 2, conditionChannels: 20)
    let weights = try Generated.flowWeights("large/", channels: channels, description)
    let trainer = try FlowTrainer(
      channels: channels, description: description, weights: weights, groupCapacity: count, placeCapacity: 9,
      workers: Workers(count: threads))
    let conditions = try PositionConditions(grid, channels: 20, groupCapacity: count)
    let losses = try (0..<3).map { step in
      for fiber in 0..<count { conditions.set(fiber, position: (7 * fiber + step) % 45) }
      return try trainer.step(
        fibers: Generated.values("large/\(step)", count * channels), conditions: conditions.conditions, count: count,
        learningRate: 1e-3)
    }
    return (try trainer.weights, losses)
  }

  /// Fibers that share places beside the same conditions row by row.
  @Test func sharedPlacesAreTheConditionsOfTheirFibers() throws {
    let (channels, count, p) = (10, 30, 8)
    let grid = Grid(height: 3, width: 4, channels: channels)
    let description = try FlowDescription(blockCount: 2, conditionChannels: p)
    let weights = try Generated.flowWeights("places/", channels: channels, description)
    let fibers = Generated.values("places/fibers", count * channels)
    let shared = try PositionConditions(grid, channels: p, groupCapacity: count)
    let table = PositionalEncoding.table(height: 3, width: 4, channels: p)
    var rows: [Float] = []
    for fiber in 0..<count {
      let position = 5 * fiber % 12
      shared.set(fiber, position: position)
      rows += table[position * p..<(position + 1) * p]
    }
    let alone = try RowConditions(rows, channels: p, count: count)
    var results: [[Float]] = []
    for conditions in [shared.conditions, alone.conditions] {
      let trainer = try FlowTrainer(
        channels: channels, description: description, weights: weights, groupCapacity: count, placeCapacity: count,
        workers: Workers(count: 1))
      results.append(
        try (0..<20).map { _ in
          try trainer.step(fibers: fibers, conditions: conditions, count: count, learningRate: 1e-3)
        })
    }
    expectClose(zip(results[0], results[1]).map { $0 / $1 }, results[1].map { _ in 1.0 }, within: 1e-5)
  }

  @Test func trainingLowersTheLoss() throws {
    let losses = try run(seed: 1, steps: 60).losses
    #expect(try #require(losses.last) < 0.9 * losses[0])
  }

  @Test func weightsGoInAndComeOut() throws {
    for permutation in FlowDescription.Permutation.allCases {
      let description = try FlowDescription(blockCount: 2, conditionChannels: 4, permutation: permutation)
      var random = Random(seed: 5)
      let weights = try FlowTrainer.initialWeights(channels: 7, description: description, random: &random)
      let trainer = try FlowTrainer(
        channels: 7, description: description, weights: weights, groupCapacity: 1, placeCapacity: 0,
        workers: Workers(count: 1))
      #expect(try trainer.weights == weights)
      #expect(weights.keys.count == 2 * 7)
    }
  }

  @Test func initialGainIsOne() throws {
    let description = try FlowDescription(blockCount: 1, conditionChannels: 0)
    var random = Random(seed: 5)
    let weights = try FlowTrainer.initialWeights(channels: 4, description: description, random: &random)
    let scale = try #require(weights["module_list.0.global_scale"])
    #expect(try scale.values.allSatisfy { abs(BlockParameters.scale($0) - 1) < 1e-6 })
    let weight = try #require(weights["module_list.0.subnet.0.weight"])
    #expect(weight.shape == [4, 2])
    #expect(try weight.values.allSatisfy { abs($0) <= 1 / Float(2).squareRoot() })
    #expect(try weight.values.contains { abs($0) > 0.3 })
  }

  private func smallTrainer() throws -> FlowTrainer {
    let description = try FlowDescription(blockCount: 2, conditionChannels: 0)
    let weights = try Generated.flowWeights("small/", channels: 4, description)
    return try FlowTrainer(
      channels: 4, description: description, weights: weights, groupCapacity: 2, placeCapacity: 2,
      workers: Workers(count: 1))
  }

  @Test func refusesWrongGroupsAndConditions() throws {
    let trainer = try smallTrainer()
    let fibers = Generated.values("x", 12)
    for count in [0, 3, -1] {
      #expect(throws: Failure.self) {
        try trainer.step(fibers: fibers, conditions: nil, count: count, learningRate: 1e-3)
      }
    }
    let conditions = try RowConditions(fibers, channels: 4, count: 3)
    #expect(throws: Failure.self) {
      try trainer.step(fibers: fibers, conditions: conditions.conditions, count: 1, learningRate: 1e-3)
    }
  }

  @Test func refusesWeightsOfAnotherFlow() throws {
    let description = try FlowDescription(blockCount: 2, conditionChannels: 0)
    let weights = try Generated.flowWeights("small/", channels: 4, description)
    for channels in [5, 1, 0, -3] {
      #expect(throws: Failure.self) {
        try FlowTrainer(
          channels: channels, description: description, weights: weights, groupCapacity: 2, placeCapacity: 2,
          workers: Workers(count: 1))
      }
    }
  }

  @Test func divergesOnFeaturesThatAreNotFinite() throws {
    let trainer = try smallTrainer()
    let before = try trainer.weights
    var fibers = Generated.values("x", 8)
    for value in [Float.nan, .infinity] {
      fibers[0] = value
      let failure = #expect(throws: Failure.self) {
        try trainer.step(fibers: fibers, conditions: nil, count: 2, learningRate: 1e-3)
      }
      #expect(failure?.kind == .diverged)
      #expect(failure?.message.contains("the features") == true)
    }
    #expect(try trainer.weights == before)
  }

  @Test func divergesAtAnAbsurdLearningRate() throws {
    let trainer = try smallTrainer()
    let fibers = Generated.values("x", 8)
    let failure = #expect(throws: Failure.self) {
      for _ in 0..<10 { _ = try trainer.step(fibers: fibers, conditions: nil, count: 2, learningRate: 1e30) }
    }
    #expect(failure?.kind == .diverged)
    #expect(failure?.message.contains("coupling block") == true)
  }
}

struct RandomRotationTests {
  @Test(arguments: [2, 3, 4, 7, 33, 64]) func isARotation(_ n: Int) {
    var random = Random(seed: 11, purpose: "rotation", n)
    let w = randomRotation(n, random: &random).map { Double($0) }
    let products = (0..<n * n).map { place in
      (0..<n).reduce(0.0) { $0 + w[place / n * n + $1] * w[place % n * n + $1] }
    }
    expectClose(products, (0..<n * n).map { $0 / n == $0 % n ? 1.0 : 0 }, within: 5e-7)
    expectClose(determinant(w, n), 1, within: 1e-5)
  }

  /// By Gaussian elimination with pivots.
  private func determinant(_ matrix: [Double], _ n: Int) -> Double {
    var m = matrix
    var result = 1.0
    for k in 0..<n {
      guard let pivot = (k..<n).max(by: { abs(m[$0 * n + k]) < abs(m[$1 * n + k]) }) else { return 0 }
      if pivot != k {
        for j in 0..<n { m.swapAt(k * n + j, pivot * n + j) }
        result = -result
      }
      result *= m[k * n + k]
      for i in (k + 1)..<max(n, k + 1) {
        let factor = m[i * n + k] / m[k * n + k]
        for j in k..<n { m[i * n + j] -= factor * m[k * n + j] }
      }
    }
    return result
  }

  /// Under the Haar measure every entry has mean 0 and mean square 1 / n, and the trace has mean 0 and variance 1 (n > 2).
  @Test func momentsAreThoseOfTheHaarMeasure() {
    let n = 3
    let samples = 4000
    var sums = [Double](repeating: 0, count: n * n)
    var squares = [Double](repeating: 0, count: n * n)
    var trace = 0.0
    var traceSquare = 0.0
    var random = Random(seed: 2, purpose: "rotation")
    for _ in 0..<samples {
      let w = randomRotation(n, random: &random).map { Double($0) }
      for i in w.indices {
        sums[i] += w[i]
        squares[i] += w[i] * w[i]
      }
      let diagonal = w[0] + w[4] + w[8]
      trace += diagonal
      traceSquare += diagonal * diagonal
    }
    let count = Double(samples)
    // Five standard errors: an entry's deviation is 0.577, its square's 0.298, the trace's 1.
    for i in sums.indices {
      expectClose(sums[i] / count, 0, within: 5 * 0.577 / count.squareRoot())
      expectClose(squares[i] / count, 1.0 / 3, within: 5 * 0.298 / count.squareRoot())
    }
    expectClose(trace / count, 0, within: 5 / count.squareRoot())
    expectClose(traceSquare / count, 1, within: 0.15)
  }
}
