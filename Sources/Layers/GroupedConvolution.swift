import Basics
import Kernels

/// A 2-D convolution whose channels fall into groups, each of which sees the input channels of its own group only.
///
/// The weights of a group are packed like a convolution's; groups with few outputs are joined, with zeros between them,
/// until they fill half a panel.
package struct GroupedConvolution: Operation {
  private let shape: ConvolutionShape
  /// The input and output channels of groups that are computed together.
  private let width: (inputs: Int, outputs: Int)
  private let groups: [PackedMatrix]
  private let epilogue: Epilogue
  private let zeros: SharedFloats

  /// - Parameters:
  ///   - weights: rows of inputs of a group x taps: PyTorch's `Conv2d.weight`.
  ///   - memory: for the weights; nil for memory of its own.
  package init(
    _ shape: ConvolutionShape, weights: WeightRows, epilogue: Epilogue, in memory: WeightMemory? = nil
  ) throws(Failure) {
    let (inputs, outputs, groups) = (shape.inputs, shape.outputs, shape.groups)
    guard groups > 0, inputs > 0, outputs > 0, inputs % groups == 0, outputs % groups == 0 else {
      throw Failure(.format, "\(inputs) to \(outputs) channels do not fit \(groups) groups")
    }
    try epilogue.check(outputs: outputs)
    let group = (inputs: inputs / groups, outputs: outputs / groups)
    var joined = 1
    let panelWidth = Kernels.gemmShape.panelWidth
    while joined * group.outputs < panelWidth / 2, groups % (2 * joined) == 0 { joined *= 2 }
    let width = (inputs: joined * group.inputs, outputs: joined * group.outputs)
    let taps = shape.window.taps
    let rowLength = shape.rowLength
    let raw = try FloatBuffer(count: panelWidth * rowLength, isBrief: true)
    var packed: [PackedMatrix] = []
    for first in Swift.stride(from: 0, to: outputs, by: width.outputs) {
      packed.append(
        try PackedMatrix(outputs: width.outputs, inputs: width.inputs, taps: taps, in: memory) {
          (outputs, rows) throws(Failure) in
          try weights(first + outputs.lowerBound..<first + outputs.upperBound, raw.base)
          rows.update(repeating: 0, count: outputs.count * width.inputs * taps)
          for (i, output) in outputs.enumerated() {
            let firstInput = output / group.outputs * group.inputs
            (rows + (i * width.inputs + firstInput) * taps).update(from: raw.base + i * rowLength, count: rowLength)
          }
        })
    }
    self.shape = shape
    self.width = width
    self.groups = packed
    self.epilogue = epilogue
    self.zeros = try SharedFloats(count: width.inputs) { _ in }
  }
}

extension GroupedConvolution {
  /// The convolution at one input size.
  package struct Plan: OperationPlan {
    package let output: Grid
    fileprivate let offsets: Buffer<Int32>

    /// Bytes of the table.
    package var tableBytes: Int { offsets.byteCount }
  }

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let (rows, columns) = try shape.window.axes(input)
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: shape.outputs),
      offsets: try Convolution.offsets(input, rows, columns, kernel: shape.window.kernel))
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    groups.withUnsafeBufferPointer { groups in
      guard let first = groups.first else { return }
      let task = GEMM(
        first.shape, rows: plan.output.positions, x: memory.input, xStride: shape.inputs,
        offsets: UnsafePointer(plan.offsets.base), taps: shape.window.taps, depth: width.inputs, zeros: zeros.base,
        panels: first.base, outputs: width.outputs, scale: epilogue.scale.map { $0.base },
        bias: .shared(epilogue.bias.base), activation: epilogue.activation, y: memory.output, yStride: shape.outputs)
      let job = GroupedJob(task: task, rowsPerPart: 2 &* first.shape.rowTile, groups: groups)
      withUnsafePointer(to: job) { job in
        memory.workers.run(parts: job.pointee.parts, context: job) { context, part, _ in
          context.assumingMemoryBound(to: GroupedJob.self).pointee.part(part)
        }
      }
    }
  }
}

/// The products of all groups, cut into parts by rows.
private struct GroupedJob {
  /// The first group's product.
  let task: GEMM
  let rowsPerPart: Int
  let groups: UnsafeBufferPointer<PackedMatrix>

  var parts: Int { (task.rows + rowsPerPart - 1) / rowsPerPart }

  func part(_ index: Int) {
    let first = index &* rowsPerPart
    let rows = first..<min(first &+ rowsPerPart, task.rows)
    var task = task
    for group in groups {
      task.panels = group.base
      Kernels.selected.gemm(task, rows: rows, panels: 0..<group.panelCount)
      task.x += task.depth
      task.y += task.outputs
      task.scale = task.scale.map { $0 + task.outputs }
      task.bias.rows += task.outputs
    }
  }
}
