import Basics
import Execution
import Kernels
import Layers

/// A conditional normalizing flow over the fibers of one feature level, prepared for scoring on that level's grid
/// (paper, section 4; FrEIA AllInOneBlock). Immutable; a ``FlowSession`` runs it.
package final class Flow: Sendable {
  /// The level's grid: C channels at each position.
  package let grid: Grid
  /// The layer before the first block; nil for none.
  let gaussian: GaussianLayer?
  let blocks: CouplingBlocks
  /// z = u * scale + offset: the last block's global affine if that block's mixing is left out, else the identity.
  let lastScale: SharedFloats
  let lastOffset: SharedFloats
  /// alpha of the clamp.
  let clampAlpha: Float
  /// -C/2 ln(2 pi) and the blocks' sum(ln g): the part of log p that is the same for all fibers.
  let constant: Double
  /// How the flow is computed.
  let arithmetic: Arithmetic

  /// - Parameters:
  ///   - weights: FrEIA's keys, `module_list.{k}.…`, in PyTorch's layouts, and those of ``GaussianParameters``; or with 8 bits
  ///     those of ``QuantizedFlow``, to which others are rounded.
  ///   - precision: of the coupling blocks' layers. With 8 bits all processors give the same bits.
  ///   - memory: memory for the prepared weights.
  ///   - workers: prepare the blocks, each worker one at a time.
  /// Fails with `.format` when a tensor is missing or has another shape, e.g. that of another number of channels.
  package init(
    _ description: FlowDescription, weights: StateDictionary, grid: Grid, precision: Precision = .float32,
    memory: WeightMemory, workers: Workers
  ) throws(Failure) {
    let key = description.start == .gaussian ? GaussianParameters.scaleKey : "module_list.0.global_scale"
    guard let channels = weights[key]?.shape.last else {
      throw Failure(.format, "the tensor \(key) is missing, or is a single value")
    }
    guard channels == grid.channels else {
      throw Failure(.format, "the flow over \(channels) channels does not fit a level of \(grid.channels)")
    }
    guard channels >= 2 else {
      throw Failure(.unsupported, "a flow over \(channels) channels has nothing to couple")
    }
    guard precision == .int8 || !QuantizedFlow.isAnyQuantized(weights, description) else {
      throw Failure(.format, "the flow's weights are integers, and the detector is not one of 8 bits")
    }
    let arithmetic = precision.arithmetic
    gaussian =
      try description.start == .gaussian
      ? GaussianLayer(weights, grid: grid, precision: precision, memory: memory) : nil
    let encoding = try SharedFloats(
      PositionalEncoding.axis(length: max(grid.height, grid.width), channels: description.conditionChannels))
    blocks = try CouplingBlocks(
      weights, description, grid: grid, encoding: encoding, precision: precision, memory: memory, workers: workers)
    if let (scale, offset) = blocks.lastAffine {
      (lastScale, lastOffset) = (scale, offset)
    } else {
      lastScale = try SharedFloats([Float](repeating: 1, count: channels))
      lastOffset = try SharedFloats([Float](repeating: 0, count: channels))
    }
    constant = blocks.logScales.reduce(-0.5 * Double(channels) * PortableMath.log(2 * Double.pi), +)
    guard constant.isFinite else { throw Failure(.format, "a global_scale of the flow is too small to invert") }
    self.grid = grid
    self.arithmetic = arithmetic
    clampAlpha = description.clampAlpha
  }
}
