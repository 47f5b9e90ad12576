import Basics
import Kernels
import Layers

/// The tokens of the patches as a map again, without the class token; the map's size is the second operand's.
struct PatchTokens: Operation {
  func plan(_ input: Grid) throws(Failure) -> MapPlan { try plan(input, second: nil) }

  func plan(_ input: Grid, second: Grid?) throws(Failure) -> MapPlan {
    guard let second, second.positions + 1 == input.positions else {
      throw Failure(.format, "\(input.positions) tokens are not a class token and patches")
    }
    let output = Grid(height: second.height, width: second.width, channels: input.channels)
    return MapPlan(input: input, output: output)
  }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    memory.output.update(from: memory.input + plan.input.channels, count: plan.output.count)
  }
}

/// LayerNorm of each token.
struct TokenNorm: Operation {
  let weight: SharedFloats
  let bias: SharedFloats
  let epsilon: Float

  func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    RowNorm(
      x: memory.input, channels: plan.input.channels, weight: weight.base, bias: bias.base, epsilon: epsilon,
      y: memory.output
    ).run(rows: plan.input.positions, memory.workers)
  }
}
