import Basics
import Execution
import Kernels

/// A map's values times a scale, plus an offset and the second operand. It serves additions, BatchNorms by themselves, and making
/// bytes of floats.
package struct QuantizedAddition: Operation {
  /// What the bytes of the input stand for; nil for floats.
  private let input: MapQuantization?
  private let output: QuantizedOutput

  package init(_ input: MapQuantization?, output: QuantizedOutput) throws(Failure) {
    guard input.map({ $0.channels == output.channels }) ?? true else {
      throw Failure(.format, "a map's scales do not fit \(output.channels) channels")
    }
    (self.input, self.output) = (input, output)
  }

  package func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  package func run(_ plan: MapPlan, _ memory: LayerMemory) {
    QuantizedAffine(
      x: input?.operand(memory.inputBytes) ?? .floats(memory.input), channels: plan.input.channels,
      epilogue: output.epilogue(memory)
    ).run(plan.input, memory.workers)
  }
}

/// Each channel of a map of bytes times its value in the second operand, a map of 1 x 1 floats.
package struct QuantizedChannelScale: Operation {
  private let input: MapQuantization
  private let output: MapQuantization
  private let zeros: SharedFloats

  package init(_ input: MapQuantization, output: MapQuantization) throws(Failure) {
    guard input.channels == output.channels else { throw Failure(.format, "a map's scales do not fit its channels") }
    (self.input, self.output) = (input, output)
    zeros = try SharedFloats(count: input.channels + MapQuantization.padding) { _ in }
  }

  package func plan(_ input: Grid) -> MapPlan { MapPlan(input: input, output: input) }

  package func run(_ plan: MapPlan, _ memory: LayerMemory) {
    guard let scale = memory.second else { return }
    QuantizedAffine(
      x: input.operand(memory.inputBytes), channels: plan.input.channels,
      epilogue: QuantizedEpilogue(
        multiplier: scale, offset: zeros.base, residual: MapOperand(), activation: .identity,
        target: output.target(memory.outputBytes))
    ).run(plan.input, memory.workers)
  }
}

extension QuantizedAffine {
  /// Computes the task. Threads share the rows, line by line.
  fileprivate func run(_ grid: Grid, _ workers: Workers) {
    withUnsafePointer(to: (task: self, width: grid.width)) { job in
      workers.run(parts: grid.height, context: job) { context, line, _ in
        let job = context.assumingMemoryBound(to: (task: QuantizedAffine, width: Int).self)
        let width = job.pointee.width
        Kernels.quantized.quantizedAffine(job.pointee.task, rows: line &* width..<(line &+ 1) &* width)
      }
    }
  }
}

/// The mean of each channel over all positions of a map of bytes: a map of 1 x 1 floats.
package struct QuantizedAverage: Operation {
  private let input: MapQuantization

  package init(_ input: MapQuantization) { self.input = input }

  package func plan(_ input: Grid) throws(Failure) -> MapPlan {
    guard input.positions <= 1 << 24 else { throw Failure(.invalidArgument, "the map is too large for its mean") }
    return MapPlan(input: input, output: Grid(height: 1, width: 1, channels: input.channels))
  }

  package func run(_ plan: MapPlan, _ memory: LayerMemory) {
    let task = QuantizedMean(
      x: memory.inputBytes, positions: plan.input.positions, channels: plan.input.channels, zero: input.zero.base,
      scale: input.scale.base, y: memory.output)
    withUnsafePointer(to: task) { task in
      memory.workers.run(parts: (task.pointee.channels + 31) / 32, context: task) { context, part, _ in
        let task = context.assumingMemoryBound(to: QuantizedMean.self)
        let first = part &* 32
        Kernels.quantized.quantizedMean(task.pointee, channels: first..<min(first &+ 32, task.pointee.channels))
      }
    }
  }
}

/// A 1x1 convolution of a map of floats. It is computed on the calling thread, with the same bits in every build.
package struct ExactLinear: Operation {
  private let linear: Linear
  private let activation: Activation

  /// - Parameter weights: rows of `inputs` weights.
  package init(
    outputs: Int, inputs: Int, bias: [Float], activation: Activation, in memory: WeightMemory? = nil,
    weights: WeightRows
  ) throws(Failure) {
    linear = try Linear(outputs: outputs, inputs: inputs, bias: bias, on: .exact, in: memory, rows: weights)
    self.activation = activation
  }

  package func plan(_ input: Grid) -> MapPlan {
    MapPlan(input: input, output: Grid(height: input.height, width: input.width, channels: linear.outputs))
  }

  package func run(_ plan: MapPlan, _ memory: LayerMemory) {
    linear.apply(
      memory.input, xStride: linear.inputs, count: plan.input.positions, activation: activation, into: memory.output,
      yStride: linear.outputs)
  }
}
