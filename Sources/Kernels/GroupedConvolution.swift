import Basics

/// A 2-D convolution whose channels fall into groups, each of which sees the input channels of its own group only.
///
/// The weights of a group are packed like a convolution's; groups with few outputs are joined, with zeros between them,
/// until they fill half a panel.
package struct GroupedConvolution: Sendable {
  package let inputs: Int
  package let outputs: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  /// Input and output channels of what is computed together.
  private let width: (inputs: Int, outputs: Int)
  private let groups: [PackedWeights]
  private let scale: ConstantFloats?
  private let bias: ConstantFloats
  private let zeros: ConstantFloats

  /// - Parameters:
  ///   - weights: rows of (`inputs` / `groups`) x `kernel` x `kernel`: PyTorch's `Conv2d.weight`.
  ///   - scale: of each output, that of a norm behind; nil for 1.
  ///   - memory: for the weights; nil for memory of its own.
  package init(
    weights: WeightRows, scale: [Float]? = nil, bias: [Float], outputs: Int, inputs: Int, groups: Int, kernel: Int,
    stride: Int,
    activation: Activation, in memory: WeightMemory? = nil
  ) throws(Failure) {
    guard groups > 0, inputs > 0, outputs > 0, inputs % groups == 0, outputs % groups == 0, bias.count == outputs else {
      throw Failure(.format, "\(inputs) to \(outputs) channels and a bias of \(bias.count) do not fit \(groups) groups")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    let group = (inputs: inputs / groups, outputs: outputs / groups)
    var joined = 1
    while joined * group.outputs < Product.panelWidth / 2, groups % (2 * joined) == 0 { joined *= 2 }
    let width = (inputs: joined * group.inputs, outputs: joined * group.outputs)
    let taps = kernel * kernel
    let rowLength = group.inputs * taps
    let raw = try FloatBuffer(count: Product.panelWidth * rowLength, isBrief: true)
    var packed: [PackedWeights] = []
    for first in Swift.stride(from: 0, to: outputs, by: width.outputs) {
      packed.append(
        try PackedWeights(outputs: width.outputs, inputs: width.inputs, taps: taps, in: memory) {
          (outputs, rows) throws(Failure) in
          try weights(first + outputs.lowerBound..<first + outputs.upperBound, raw.base)
          rows.update(repeating: 0, count: outputs.count * width.inputs * taps)
          for (i, output) in outputs.enumerated() {
            let firstInput = output / group.outputs * group.inputs
            (rows + (i * width.inputs + firstInput) * taps).update(from: raw.base + i * rowLength, count: rowLength)
          }
        })
    }
    self.width = width
    self.groups = packed
    self.scale =
      if let scale { try Product.scale(scale, outputs: outputs, paddedCount: outputs + Product.panelWidth) } else {
        nil
      }
    self.bias = try ConstantFloats(bias, paddedCount: outputs + Product.panelWidth)
    self.zeros = try ConstantFloats(count: width.inputs) { _ in }
  }
}

extension GroupedConvolution {
  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    fileprivate let offsets: Buffer<Int32>

    /// Bytes of the table.
    package var tableBytes: Int { offsets.byteCount }
  }

  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> Plan {
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: outputs),
      offsets: try Convolution.offsets(input, rows, columns, kernel: kernel))
  }

  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, into output: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    groups.withUnsafeBufferPointer { groups in
      guard let first = groups.first else { return }
      var product = Product(
        rows: plan.output.positions, x: input, xStride: inputs, offsets: UnsafePointer(plan.offsets.base),
        taps: kernel * kernel, depth: width.inputs, zeros: zeros.base, panels: first.base, outputs: width.outputs,
        bias: .shared(bias.base), residual: nil, activation: activation, y: output, yStride: outputs)
      product.scale = scale.map { $0.base }
      let job = GroupedJob(product: product, groups: groups)
      withUnsafePointer(to: job) { job in
        workers.run(parts: job.pointee.parts, context: job) { context, part, _ in
          context.assumingMemoryBound(to: GroupedJob.self).pointee.part(part)
        }
      }
    }
  }
}

/// Products of all groups, cut into parts by rows.
private struct GroupedJob {
  /// The first group's.
  let product: Product
  let groups: UnsafeBufferPointer<PackedWeights>

  private static let rowsPerPart = 2 * Product.tileRows

  var parts: Int { (product.rows + Self.rowsPerPart - 1) / Self.rowsPerPart }

  func part(_ index: Int) {
    let first = index &* Self.rowsPerPart
    let rows = first..<min(first &+ Self.rowsPerPart, product.rows)
    var task = product
    for group in groups {
      task.panels = group.base
      Kernels.selected.product(task, rows: rows, panels: 0..<group.panelCount)
      task.x += task.depth
      task.y += task.outputs
      task.scale = task.scale.map { $0 + task.outputs }
      if case .shared(let bias) = task.bias { task.bias = .shared(bias + task.outputs) }
    }
  }
}
