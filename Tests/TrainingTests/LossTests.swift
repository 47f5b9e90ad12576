import Basics
import Execution
import Flows
import Foundation
import Support
import Testing

@testable import Training

/// Losses of the first 50 Adam steps beside PyTorch's, from Fixtures/losses.json (Tests/Fixtures/make_training.py).
struct LossTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let channels: Int
    let blocks: Int
    let condition_channels: Int
    let permutation: String
    let clamp: String
    let clamp_alpha: Float
    let group: Int
    let learning_rate: Float
    let losses: [Double]

    var testDescription: String { name }

    func description() throws -> FlowDescription {
      try FlowDescription(
        blockCount: blocks, conditionChannels: condition_channels,
        permutation: #require(FlowDescription.Permutation(rawValue: permutation)),
        clamp: #require(FlowDescription.Clamp(rawValue: clamp)), clampAlpha: clamp_alpha)
    }
  }

  static let cases: [Case] = {
    guard let file = Bundle.module.url(forResource: "losses", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: file)
    else { return [] }
    return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
  }()

  @Test func fixtureIsThere() { #expect(Self.cases.map(\.losses.count) == [50, 50, 50, 50]) }

  @Test(arguments: cases) func lossesFollowPyTorch(_ test: Case) throws {
    let description = try test.description()
    let prefix = "training/\(test.name)/"
    let trainer = try FlowTrainer(
      channels: test.channels, description: description,
      weights: Generated.flowWeights(prefix, channels: test.channels, description),
      groupCapacity: test.group, placeCapacity: test.group, workers: Workers(count: 2))
    var losses: [Double] = []
    for step in test.losses.indices {
      let fibers = Generated.values("\(prefix)fibers/\(step)", test.group * test.channels, scale: 1.5)
      let conditions = try RowConditions(
        Generated.values("\(prefix)conditions/\(step)", test.group * test.condition_channels),
        channels: test.condition_channels, count: test.group)
      let loss = try trainer.step(
        fibers: fibers, conditions: conditions.conditions, count: test.group, learningRate: test.learning_rate)
      losses.append(Double(loss))
    }
    expectClose(zip(losses, test.losses).map { $0 / $1 }, test.losses.map { _ in 1 }, within: 1e-4)
  }
}
