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
      try PackedWeights(outputs: outputs, inputs: taps * inputs) { output, row in
        for tap in 0..<taps {
          for input in 0..<inputs { row[tap &* inputs &+ input] = weights[(output &* inputs &+ input) &* taps &+ tap] }
        }
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
    /// Floats of scratch memory that ``Convolution/run(_:_:residual:into:scratch:workers:)`` needs for each thread.
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
  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> Plan {
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: rowBorder)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: columnBorder)
    let output = Grid(height: rows.outputLength, width: columns.outputLength, channels: outputs)
    guard kernel > 1 || stride > 1 else { return Plan(output: output, scratchCount: 0, kind: .pointwise) }
    let offsets = try Self.offsets(input, rows, columns, kernel: kernel)
    if inputs >= Self.shortestRun { return Plan(output: output, scratchCount: 0, kind: .indirect(offsets)) }
    return Plan(
      output: output, scratchCount: GatheredJob.patchesAtOnce * kernel * kernel * inputs, kind: .gathered(offsets))
  }

  /// Where in the input each tap of each position begins, in floats; -1 for zeros.
  static func offsets(
    _ input: Grid, _ rows: WindowAxis, _ columns: WindowAxis, kernel: Int
  ) throws(Failure) -> [Int32] {
    guard let count = checkedProduct([rows.outputLength, columns.outputLength, kernel, kernel]),
      Int32(exactly: input.count) != nil
    else { throw Failure(.invalidArgument, "a feature map of \(input.height) x \(input.width) is too large") }
    var offsets: [Int32] = []
    offsets.reserveCapacity(count)
    for y in 0..<rows.outputLength {
      for x in 0..<columns.outputLength {
        for row in rows.sources[y * kernel..<(y + 1) * kernel] {
          for column in columns.sources[x * kernel..<(x + 1) * kernel] {
            offsets.append(row < 0 || column < 0 ? -1 : Int32((row * input.width + column) * input.channels))
          }
        }
      }
    }
    return offsets
  }

  /// output = activation(convolution(input) + residual); the residual has the output's size.
  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    var product = Product(
      rows: plan.output.positions, x: input, xStride: inputs, depth: inputs, zeros: zeros.base, panels: weights.base,
      outputs: outputs, bias: .shared(bias.base), residual: residual, activation: activation, y: output,
      yStride: outputs)
    switch plan.kind {
    case .pointwise: ProductJob(product, panelCount: weights.panelCount, workers: workers.count).run(workers)
    case .indirect(let offsets):
      offsets.withUnsafeBufferPointer { offsets in
        product.offsets = offsets.baseAddress
        product.taps = kernel * kernel
        ProductJob(product, panelCount: weights.panelCount, workers: workers.count).run(workers)
      }
    case .gathered(let offsets):
      product.depth = kernel * kernel * inputs
      product.xStride = product.depth
      offsets.withUnsafeBufferPointer { offsets in
        guard let offsets = offsets.baseAddress else { return }
        GatheredJob(
          product: product, panelCount: weights.panelCount, offsets: offsets, channels: inputs, scratch: scratch
        ).run(workers)
      }
    }
  }
}

/// A product whose rows are gathered, so many at a time, into the scratch memory of the thread that computes them.
private struct GatheredJob {
  let product: Product
  let panelCount: Int
  /// Where each tap of each row begins in `product.x`, -1 for zeros.
  let offsets: UnsafePointer<Int32>
  let channels: Int
  let scratch: UnsafeMutablePointer<Float>

  /// Bounds the memory for gathered patches.
  static let patchesAtOnce = 96

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      let parts = (product.rows + Self.patchesAtOnce - 1) / Self.patchesAtOnce
      workers.run(parts: parts, context: job) { context, part, worker in
        context.assumingMemoryBound(to: GatheredJob.self).pointee.part(part, worker: worker)
      }
    }
  }

  private func part(_ index: Int, worker: Int) {
    let first = index &* Self.patchesAtOnce
    let patches = scratch + worker &* Self.patchesAtOnce &* product.depth
    var part = product
    part.rows = min(Self.patchesAtOnce, product.rows &- first)
    gather(rows: first..<first &+ part.rows, into: patches)
    part.x = UnsafePointer(patches)
    part.y = product.y + first &* product.yStride
    part.residual = product.residual.map { $0 + first &* product.yStride }
    Kernels.selected.product(part, rows: 0..<part.rows, panels: 0..<panelCount)
  }

  private func gather(rows: Range<Int>, into patches: UnsafeMutablePointer<Float>) {
    let taps = product.depth / channels
    var target = patches
    for place in rows.lowerBound &* taps..<rows.upperBound &* taps {
      let offset = Int(offsets[place])
      for channel in 0..<channels { target[channel] = offset < 0 ? 0 : product.x[offset &+ channel] }
      target += channels
    }
  }
}
