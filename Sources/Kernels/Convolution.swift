import Basics

/// A 2-D convolution with bias over position-major maps, weights prepared once, any input size.
package struct Convolution: Sendable {
  package let inputs: Int
  package let outputs: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  private let weights: PackedWeights
  private let bias: ConstantFloats
  /// What a tap beyond the border reads.
  private let zeros: ConstantFloats

  /// - Parameter weights: `outputs` x `inputs` x `kernel` x `kernel`: PyTorch's `Conv2d.weight`.
  package init(
    weights: [Float], bias: [Float], outputs: Int, inputs: Int, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) {
    guard checkedProduct([outputs, inputs, kernel, kernel]) == weights.count, bias.count == outputs else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    // A patch is read tap by tap, each a run of input channels.
    let taps = kernel * kernel
    self.weights = try weights.withUnsafeBufferPointer { (weights) throws(Failure) in
      try PackedWeights(outputs: outputs, inputs: taps * inputs) { output, input in
        weights[(output * inputs + input % inputs) * taps + input / inputs]
      }
    }
    self.bias = try ConstantFloats(bias, paddedCount: Product.paddedOutputs(outputs))
    self.zeros = try ConstantFloats(count: inputs) { _ in }
  }
}

extension Convolution {
  /// The convolution at one input size.
  package struct Plan {
    package let output: Grid
    /// Floats of scratch memory that ``Convolution/run(_:_:residual:into:scratch:)`` needs.
    package let scratchCount: Int
    fileprivate let kind: Kind

    fileprivate enum Kind {
      /// The input's positions are the rows of the product: a 1x1 kernel on every position.
      case pointwise
      /// Each tap is a run of channels somewhere in the input: its offset for each position and tap, -1 for zeros.
      case indirect([Int32])
      /// Few input channels: the runs would be too short, so patches are gathered first.
      case gathered([Int32])
    }
  }

  /// Below this many channels patches are gathered.
  private static let shortestRun = 16
  /// Bounds the memory for gathered patches.
  private static let patchesAtOnce = 192

  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> Plan {
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    let output = Grid(height: rows.outputLength, width: columns.outputLength, channels: outputs)
    guard kernel > 1 || stride > 1 else { return Plan(output: output, scratchCount: 0, kind: .pointwise) }
    guard let count = checkedProduct([output.positions, kernel, kernel]), Int32(exactly: input.count) != nil else {
      throw Failure(.invalidArgument, "a feature map of \(input.height) x \(input.width) is too large")
    }
    var offsets: [Int32] = []
    offsets.reserveCapacity(count)
    for y in 0..<output.height {
      for x in 0..<output.width {
        for row in rows.sources[y * kernel..<(y + 1) * kernel] {
          for column in columns.sources[x * kernel..<(x + 1) * kernel] {
            offsets.append(row < 0 || column < 0 ? -1 : Int32((row * input.width + column) * inputs))
          }
        }
      }
    }
    if inputs >= Self.shortestRun { return Plan(output: output, scratchCount: 0, kind: .indirect(offsets)) }
    return Plan(
      output: output, scratchCount: Self.patchesAtOnce * kernel * kernel * inputs, kind: .gathered(offsets))
  }

  /// output = activation(convolution(input) + residual); the residual has the output's size.
  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    var product = Product(
      rows: plan.output.positions, x: input, xStride: inputs, depth: inputs, zeros: zeros.base, panels: weights.base,
      outputs: outputs, bias: .shared(bias.base), residual: residual, activation: activation, y: output,
      yStride: outputs)
    switch plan.kind {
    case .pointwise: run(product)
    case .indirect(let offsets):
      offsets.withUnsafeBufferPointer { offsets in
        product.offsets = offsets.baseAddress
        product.taps = kernel * kernel
        run(product)
      }
    case .gathered(let offsets):
      product.x = UnsafePointer(scratch)
      product.depth = kernel * kernel * inputs
      product.xStride = product.depth
      var first = 0
      while first < plan.output.positions {
        product.rows = min(Self.patchesAtOnce, plan.output.positions - first)
        gather(input, offsets, positions: first..<first + product.rows, into: scratch)
        product.y = output + first * outputs
        product.residual = residual.map { $0 + first * outputs }
        run(product)
        first += product.rows
      }
    }
  }

  private func run(_ product: borrowing Product) {
    Kernels.selected.product(product, 0..<product.rows, 0..<weights.panelCount)
  }

  private func gather(
    _ input: UnsafePointer<Float>, _ offsets: [Int32], positions: Range<Int>, into patches: UnsafeMutablePointer<Float>
  ) {
    var target = patches
    let taps = kernel * kernel
    for offset in offsets[positions.lowerBound * taps..<positions.upperBound * taps] {
      for channel in 0..<inputs { target[channel] = offset < 0 ? 0 : input[Int(offset) &+ channel] }
      target += inputs
    }
  }
}
