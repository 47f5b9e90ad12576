import Basics
import Glibc
import Kernels

/// A conditional normalizing flow over the fibers of one feature level, prepared for scoring on that level's grid
/// (paper, section 4; FrEIA AllInOneBlock). Immutable; a ``FlowSession`` runs it.
package final class Flow: Sendable {
  /// The level's grid: C channels at each position.
  package let grid: Grid
  let blocks: [CouplingBlock]
  /// alpha of the clamp.
  let clampAlpha: Float
  /// -C/2 ln(2 pi) and the blocks' sum(ln g): what log p has in common for all fibers.
  let constant: Double

  /// - Parameter weights: FrEIA's keys, `module_list.{k}.…`, in PyTorch's layouts.
  /// Fails with `.format` when a tensor is missing or has another shape.
  package init(grid: Grid, description: FlowDescription, weights: consuming StateDictionary) throws(Failure) {
    var weights = consume weights
    let channels = grid.channels
    guard channels >= 2 else {
      throw Failure(.unsupported, "a flow over \(channels) channels has nothing to couple")
    }
    var blocks: [CouplingBlock] = []
    var constant = -0.5 * Double(channels) * log(2 * Double.pi)
    for index in 0..<description.blockCount {
      let parameters = try BlockParameters(weights, block: index, channels: channels, description: description)
      // A block's tensors may go when their weights are prepared.
      for key in weights.keys where key.hasPrefix("module_list.\(index).") { weights[key] = nil }
      for value in parameters.globalScale { constant += log(BlockParameters.scale(value)) }
      blocks.append(
        try CouplingBlock(
          parameters, channels: channels, height: grid.height, width: grid.width, description: description,
          isLast: index == description.blockCount - 1))
    }
    guard constant.isFinite else { throw Failure(.format, "a global_scale of the flow is too small to invert") }
    self.grid = grid
    self.blocks = blocks
    self.clampAlpha = description.clampAlpha
    self.constant = constant
  }
}
