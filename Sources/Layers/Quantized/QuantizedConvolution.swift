import Basics
import Execution
import Kernels

/// A 2-D convolution over position-major maps of bytes, in any number of groups.
package struct QuantizedConvolution: Operation {
  private let shape: ConvolutionShape
  private let group: (inputs: Int, outputs: Int)
  /// The weights of each group.
  private let weights: [QuantizedMatrix]
  /// The number that each output's sum begins with, group by group, padded like the panels.
  private let correction: SharedBuffer<Int32>
  /// The bytes of a position beyond the border.
  private let border: SharedBuffer<UInt8>
  private let output: QuantizedOutput

  /// - Parameters:
  ///   - weights: rows of integers, inputs of a group x taps.
  ///   - zeros: of the input's channels: the bytes that stand for 0.
  ///   - memory: for the weights; nil for memory of its own.
  package init(
    _ shape: ConvolutionShape, weights: IntegerRows, zeros: [Float], output: QuantizedOutput,
    in memory: WeightMemory? = nil
  ) throws(Failure) {
    let (inputs, outputs, groups) = (shape.inputs, shape.outputs, shape.groups)
    guard groups > 0, inputs % groups == 0, outputs % groups == 0, inputs / groups % 4 == 0, zeros.count == inputs,
      zeros.allSatisfy({ (0...255).contains($0) }), output.channels == outputs
    else { throw Failure(.format, "\(inputs) to \(outputs) channels in \(groups) groups do not suit 8 bits") }
    let group = (inputs: inputs / groups, outputs: outputs / groups)
    var matrices: [QuantizedMatrix] = []
    for index in 0..<groups {
      matrices.append(
        try QuantizedMatrix(
          outputs: group.outputs, inputs: group.inputs, taps: shape.window.taps,
          zeros: [Float](zeros[index * group.inputs..<(index + 1) * group.inputs]), weights: .int8, in: memory
        ) { (outputs, rows) throws(Failure) in
          let first = index * group.outputs
          try weights(first + outputs.lowerBound..<first + outputs.upperBound, rows)
        })
    }
    (self.shape, self.group, self.weights, self.output) = (shape, group, matrices, output)
    correction = try SharedBuffer(matrices.flatMap(\.correction))
    border = try SharedBuffer(zeros.map { UInt8($0) })
  }
}

extension QuantizedConvolution {
  /// The convolution at one input size.
  package struct Plan: OperationPlan {
    package let output: Grid
    /// Where the run of each position's each tap begins; nil when the input's positions are the rows of the product.
    fileprivate let offsets: Buffer<Int32>?

    package var tableBytes: Int { offsets?.byteCount ?? 0 }
  }

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let window = shape.window
    let (rows, columns) = try window.axes(input)
    let isPointwise = window.kernel == 1 && window.stride == 1
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: shape.outputs),
      offsets: isPointwise ? nil : try Convolution.offsets(input, rows, columns, kernel: window.kernel))
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    weights.withUnsafeBufferPointer { weights in
      guard let first = weights.first else { return }
      let task = QuantizedGEMM(
        rows: plan.output.positions, x: memory.inputBytes, xStride: shape.inputs,
        offsets: plan.offsets.map { UnsafePointer($0.base) }, taps: plan.offsets == nil ? 1 : shape.window.taps,
        depth: group.inputs, border: border.base, panels: first.base, isWide: first.isWide, outputs: group.outputs,
        correction: correction.base, epilogue: output.epilogue(memory), yStride: shape.outputs)
      QuantizedJob(task, groups: weights, workers: memory.workers.count).run(memory.workers)
    }
  }
}

/// The products of bytes of all groups of a convolution, which threads share.
struct QuantizedJob {
  private let task: QuantizedGEMM
  private let groups: UnsafeBufferPointer<QuantizedMatrix>
  private let parts: GEMMParts

  /// - Parameters:
  ///   - task: the product of the first group.
  ///   - groups: the groups; at least one.
  init(_ task: QuantizedGEMM, groups: UnsafeBufferPointer<QuantizedMatrix>, workers: Int) {
    (self.task, self.groups) = (task, groups)
    parts = GEMMParts(rows: task.rows, outputs: task.outputs, shape: groups[0].shape, workers: workers)
  }

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      workers.run(parts: parts.count, context: job) { context, index, _ in
        context.assumingMemoryBound(to: QuantizedJob.self).pointee.part(index)
      }
    }
  }

  private func part(_ index: Int) {
    let (rows, panels) = parts[index]
    var task = task
    for group in groups {
      task.panels = group.base
      Kernels.quantized.quantizedGEMM(task, rows: rows, panels: panels)
      task.advance(inputs: task.depth, outputs: task.outputs, paddedOutputs: group.correction.count)
    }
  }
}

extension QuantizedGEMM {
  /// Moves to the channels of the next group.
  fileprivate mutating func advance(inputs: Int, outputs: Int, paddedOutputs: Int) {
    x += inputs
    border += inputs
    correction += paddedOutputs
    epilogue.multiplier += outputs
    epilogue.offset += outputs
    epilogue.residual.bytes = epilogue.residual.bytes.map { $0 + outputs }
    epilogue.residual.values = epilogue.residual.values.map { $0 + outputs }
    epilogue.residual.zero = epilogue.residual.zero.map { $0 + outputs }
    epilogue.residual.scale = epilogue.residual.scale.map { $0 + outputs }
    epilogue.target.bytes = epilogue.target.bytes.map { $0 + outputs }
    epilogue.target.values = epilogue.target.values.map { $0 + outputs }
    epilogue.target.zero = epilogue.target.zero.map { $0 + outputs }
    epilogue.target.inverseScale = epilogue.target.inverseScale.map { $0 + outputs }
  }
}
