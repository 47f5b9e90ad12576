import Basics
import Execution
import Flows
import Kernels
import Support
import Testing

@testable import Training

/// Hand-derived gradients beside central differences of the flow in double precision (``FlowTransform``).
struct GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let channels: Int
    let conditions: Int
    let permutation: FlowDescription.Permutation
    let clamp: FlowDescription.Clamp
    var testDescription: String { "C \(channels), P \(conditions), \(permutation), \(clamp)" }
  }

  static let cases = [
    Case(channels: 6, conditions: 4, permutation: .soft, clamp: .tanh),
    Case(channels: 5, conditions: 4, permutation: .hard, clamp: .tanh),
    Case(channels: 7, conditions: 0, permutation: .soft, clamp: .scaledTanh),
    Case(channels: 2, conditions: 4, permutation: .hard, clamp: .scaledTanh),
    Case(channels: 3, conditions: 0, permutation: .soft, clamp: .tanh),
  ]

  @Test(arguments: cases) func gradientIsTheDifferenceQuotient(_ test: Case) throws {
    let description = try FlowDescription(
      blockCount: 3, conditionChannels: test.conditions, permutation: test.permutation, clamp: test.clamp,
      clampAlpha: 1.7)
    let count = 4
    let name = "gradient/\(test.testDescription)/"
    let weights = try Generated.flowWeights(name, channels: test.channels, description)
    let fibers = Generated.values(name + "fibers", count * test.channels, scale: 1.5)
    let conditions = Generated.values(name + "conditions", count * test.conditions)

    let trainer = try FlowTrainer(
      channels: test.channels, description: description, weights: weights, groupCapacity: count + 3,
      placeCapacity: count, workers: Workers(count: 2))
    let gradients = try FloatBuffer(count: description.blockCount * trainer.layout.count)
    let rows = try RowConditions(conditions, channels: test.conditions, count: count)
    let loss: Float = fibers.withUnsafeBufferPointer { fibers in
      guard let fibers = fibers.baseAddress else { return .nan }
      let group = FlowTrainer.Group(fibers: fibers, conditions: rows.conditions, count: count, logDeterminants: nil)
      let loss = trainer.forward(group)
      trainer.backward(group) { first, gradient, count in
        (gradients.base + first).update(from: gradient, count: count)
      }
      return loss
    }
    let exact = try Self.loss(weights, fibers, conditions, test.channels, description)
    expectClose(loss, exact, within: 1e-6)

    var checked = 0
    for block in 0..<description.blockCount {
      for entry in trainer.layout.entries {
        let key = BlockLayout.key(block, entry.name)
        let tensor = try #require(weights[key])
        let gradient = gradients.base + (block * trainer.layout.count + entry.offset)
        let scale = (0..<tensor.count).map { abs(gradient[$0]) }.max() ?? 0
        for i in 0..<tensor.count {
          func shifted(_ delta: Float) throws -> (value: Double, loss: Double) {
            var values = try tensor.values
            values[i] += delta
            var moved = weights
            moved[key] = try Tensor(shape: tensor.shape, values: values)
            return (Double(values[i]), try Self.loss(moved, fibers, conditions, test.channels, description))
          }
          // Small, so that hardly a hidden unit crosses its kink; the rounded values' own difference divides.
          let up = try shifted(0x1p-16)
          let down = try shifted(-0x1p-16)
          let quotient = (up.loss - down.loss) / (up.value - down.value)
          expectClose(gradient[i], quotient, within: 1e-5 * Double(scale) + 1e-7, "\(key)[\(i)]")
          checked += 1
        }
      }
    }
    #expect(checked == description.blockCount * trainer.layout.count)
  }

  static func loss(
    _ weights: StateDictionary, _ fibers: [Float], _ conditions: [Float], _ channels: Int,
    _ description: FlowDescription
  ) throws -> Double {
    let flow = try FlowTransform(
      grid: Grid(height: 1, width: 1, channels: channels), description: description, weights: weights)
    let count = fibers.count / channels
    var total = 0.0
    for row in 0..<count {
      let fiber = fibers[row * channels..<(row + 1) * channels].map { Double($0) }
      let p = description.conditionChannels
      let value = try flow.logLikelihood(fiber, condition: Array(conditions[row * p..<(row + 1) * p]))
      total += softplus(-value)
    }
    return total / Double(count)
  }
}
