import Basics
import Kernels
import Layers

/// One thread's scratch memory for a chunk of fibers on its way through a flow.
final class FlowScratch {
  /// Fibers and, swapped with them block by block, the next block's fibers: rows of C, a ``stride(_:)`` apart.
  private let fibers: FloatBuffer
  private let mixed: FloatBuffer
  /// The subnet's hidden layer, and s and t.
  private let hidden: FloatBuffer
  private let coefficients: FloatBuffer
  private let logDeterminants: FloatBuffer
  private let squaredNorms: FloatBuffer
  private let quantized: FloatBuffer
  private let rows: Int

  /// Allocates for up to `count` fibers of any of the flows.
  init(_ flows: [Flow], count: Int) throws(Failure) {
    let sizes = Sizes(flows, count: count)
    fibers = try FloatBuffer(count: sizes.fibers)
    mixed = try FloatBuffer(count: sizes.fibers)
    hidden = try FloatBuffer(count: sizes.hidden)
    coefficients = try FloatBuffer(count: sizes.coefficients)
    quantized = try FloatBuffer(count: sizes.quantized)
    rows = count
    logDeterminants = try FloatBuffer(count: count)
    squaredNorms = try FloatBuffer(count: count)
  }

  /// The sizes that the widest of some flows needs.
  struct Sizes {
    private(set) var fibers = 0
    /// These are of coupling blocks alone, which the flow of a closed form does not have.
    private(set) var hidden = 0
    private(set) var coefficients = 0
    /// For ``DynamicLinear``.
    private(set) var quantized = 0
    private let count: Int

    init(_ flows: [Flow], count: Int) {
      self.count = count
      for flow in flows {
        let count = min(count, flow.grid.positions)
        let size = count * FlowScratch.stride(flow.grid.channels)
        fibers = max(fibers, size)
        guard flow.blocks.hidden > 0 else { continue }
        coefficients = max(coefficients, size)
        hidden = max(hidden, count * FlowScratch.stride(flow.blocks.hidden))
        guard case .int8 = flow.blocks else { continue }
        quantized = max(
          quantized,
          DynamicLinear.Scratch.floatCount(rows: self.count, inputs: max(flow.grid.channels, flow.blocks.hidden)))
      }
    }

    var total: Int { 2 * fibers + hidden + coefficients + quantized + 2 * count }
  }

  /// The floats from one row to the next: an odd number of cache lines, so that the rows of a product's tile fall into
  /// different sets of the cache.
  private static func stride(_ length: Int) -> Int { ((length + 15) / 16 | 1) * 16 }

  /// log p / C of `count` fibers of a level, the first of which is at `firstPosition` of the grid.
  func logLikelihoods(
    _ flow: Flow, features: UnsafePointer<Float>, firstPosition: Int, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    let channels = flow.grid.channels
    var current = fibers.base
    var next = mixed.base
    let stride = Self.stride(channels)
    if let gaussian = flow.gaussian {
      gaussian.apply(
        features, position: firstPosition, count: count, centred: next, into: current, stride: stride,
        logDeterminants: logDeterminants.base)
    } else {
      for i in 0..<count { (current + i &* stride).update(from: features + i &* channels, count: channels) }
      logDeterminants.base.update(repeating: 0, count: count)
    }
    let place = (position: firstPosition, count: count)
    switch flow.blocks {
    case .float32(let blocks): run(blocks, of: flow, place, &current, &next)
    case .int8(let blocks): run(blocks, of: flow, place, &current, &next)
    }
    let affine = GlobalAffine(
      u: current, scale: flow.lastScale.base, offset: flow.lastOffset.base, channels: channels, stride: stride)
    flow.arithmetic.kernels.squaredNorms(affine, rows: 0..<count, into: squaredNorms.base)
    for i in 0..<count {
      let logDensity = flow.constant - 0.5 * Double(squaredNorms.base[i]) + Double(logDeterminants.base[i])
      output[i] = Float(logDensity / Double(channels))
    }
  }

  /// Takes fibers through the blocks, which are not copied: each copy would retain and release all that a block refers to.
  private func run<Layer: FlowLayer>(
    _ blocks: [CouplingBlock<Layer>], of flow: Flow, _ place: (position: Int, count: Int),
    _ current: inout UnsafeMutablePointer<Float>, _ next: inout UnsafeMutablePointer<Float>
  ) {
    blocks.withUnsafeBufferPointer { blocks in
      for index in blocks.indices { run(blocks[index], of: flow, place, &current, &next) }
    }
  }

  /// Takes fibers through a block.
  ///
  /// - Parameters:
  ///   - place: the position of the first fiber on the grid, and the number of fibers.
  ///   - current: the fibers, before and after.
  ///   - next: memory for as many.
  private func run<Layer: FlowLayer>(
    _ block: CouplingBlock<Layer>, of flow: Flow, _ place: (position: Int, count: Int),
    _ current: inout UnsafeMutablePointer<Float>, _ next: inout UnsafeMutablePointer<Float>
  ) {
    let channels = flow.grid.channels
    let (x2Count, count) = (channels / 2, place.count)
    let (stride, hiddenStride) = (Self.stride(channels), Self.stride(block.layer1.outputs))
    let coefficientStride = Self.stride(2 &* x2Count)
    let scratch = DynamicLinear.Scratch(quantized.base, rows: rows)
    block.layer1.apply(
      current, xStride: stride, count: count,
      bias: RowBias(
        rows: block.rowBias.base, columns: block.columnBias.base, width: flow.grid.width, first: place.position),
      activation: .relu, scratch: scratch, into: hidden.base, yStride: hiddenStride)
    block.layer2.apply(
      hidden.base, xStride: hiddenStride, count: count, bias: nil, activation: .identity, scratch: scratch,
      into: coefficients.base, yStride: coefficientStride)
    let coupling = Coupling(
      coefficients: coefficients.base, coefficientStride: coefficientStride, alpha: flow.clampAlpha,
      x2: current + (channels &- x2Count), stride: stride, width: x2Count, logDeterminants: logDeterminants.base)
    flow.arithmetic.kernels.coupling(coupling, rows: 0..<count)
    switch block.mixing {
    case .rotation(let rotation):
      rotation.apply(
        current, xStride: stride, count: count, bias: nil, activation: .identity, scratch: scratch, into: next,
        yStride: stride)
      swap(&current, &next)
    case .hadamard(let scale, let offset):
      let transform = HadamardTransform(
        u: current, scale: scale.base, offset: offset.base, y: next, channels: channels, stride: stride)
      Kernels.quantized.hadamard(transform, rows: 0..<count)
      swap(&current, &next)
    case .permutation(let indices, let scale, let offset):
      permute(current, by: indices, scale: scale.base, offset: offset.base, count: count, stride: stride, into: next)
      swap(&current, &next)
    case .last: break
    }
  }

  /// y[i] = u[permutation[i]] * scale[i] + offset[i] for each fiber: the hard permutation after the global affine.
  private func permute(
    _ u: UnsafePointer<Float>, by permutation: [Int32], scale: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    count: Int, stride: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let channels = permutation.count
    for row in 0..<count {
      let source = u + row &* stride
      let target = y + row &* stride
      for i in 0..<channels { target[i] = source[Int(permutation[i])] * scale[i] + offset[i] }
    }
  }
}
