import Basics
import Kernels
import Layers

/// The sum of the input and the second operand.
struct Addition: Operation {
  func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    withUnsafePointer(to: (plan: plan, memory: memory)) { job in
      memory.workers.run(parts: plan.input.height, context: job) { context, row, _ in
        let job = context.assumingMemoryBound(to: (plan: MapPlan, memory: LayerMemory).self)
        let (memory, count) = (job.pointee.memory, job.pointee.plan.input.width &* job.pointee.plan.input.channels)
        let start = row &* count
        Kernels.selected.add(
          memory.input + start, (memory.second ?? memory.input) + start, count: count, into: memory.output + start)
      }
    }
  }
}

/// The mean of each channel over all positions: a map of 1 x 1.
struct GlobalAverage: Operation {
  func plan(_ input: Grid) -> MapPlan {
    MapPlan(input: input, output: Grid(height: 1, width: 1, channels: input.channels))
  }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    let input = plan.input
    ChannelMean(x: memory.input, height: input.height, width: input.width, channels: input.channels, y: memory.output)
      .run(memory.workers)
  }
}

/// Each channel times its value in the second operand, a map of 1 x 1.
struct ChannelScale: Operation {
  func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    guard let scale = memory.second else { return }
    ChannelAffine(
      x: memory.input, channels: plan.input.channels, scale: scale, offset: nil, residual: nil, y: memory.output
    ).run(lines: plan.input.height, width: plan.input.width, memory.workers)
  }
}

/// A BatchNorm by itself, where it cannot be part of the convolution before it; the second operand is added.
struct ChannelNorm: Operation {
  let scale: SharedFloats
  let offset: SharedFloats

  func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  func run(_ plan: MapPlan, _ memory: LayerMemory) {
    ChannelAffine(
      x: memory.input, channels: plan.input.channels, scale: scale.base, offset: offset.base,
      residual: memory.second, y: memory.output
    ).run(lines: plan.input.height, width: plan.input.width, memory.workers)
  }
}
