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

  /// Fails with `.format` when the grid has another number of channels.
  package init(_ packed: PackedFlow, grid: Grid) throws(Failure) {
    guard packed.channels == grid.channels else {
      throw Failure(.format, "the flow over \(packed.channels) channels does not fit a level of \(grid.channels)")
    }
    var blocks: [CouplingBlock] = []
    for block in packed.blocks { blocks.append(try CouplingBlock(block, height: grid.height, width: grid.width)) }
    self.grid = grid
    self.blocks = blocks
    self.clampAlpha = packed.clampAlpha
    self.constant = packed.constant
  }
}

/// A flow with its weights laid out for scoring, for any grid.
package struct PackedFlow: Sendable {
  /// C.
  package let channels: Int
  let blocks: [PackedBlock]
  let clampAlpha: Float
  let constant: Double

  /// - Parameter weights: FrEIA's keys, `module_list.{k}.…`, in PyTorch's layouts. Those that nobody else keeps give
  ///   their memory back block by block.
  /// Fails with `.format` when a tensor is missing or has another shape.
  package init(_ description: FlowDescription, weights: consuming StateDictionary) throws(Failure) {
    var weights = consume weights
    let key = "module_list.0.global_scale"
    // All other tensors are held to it.
    guard let channels = weights[key]?.shape.last else {
      throw Failure(.format, "the tensor \(key) is missing, or is a single value")
    }
    guard channels >= 2 else {
      throw Failure(.unsupported, "a flow over \(channels) channels has nothing to couple")
    }
    var blocks: [PackedBlock] = []
    var constant = -0.5 * Double(channels) * log(2 * Double.pi)
    for index in 0..<description.blockCount {
      let parameters = try BlockParameters(weights, block: index, channels: channels, description: description)
      for key in weights.keys where key.hasPrefix("module_list.\(index).") { weights[key] = nil }
      for value in parameters.globalScale { constant += log(BlockParameters.scale(value)) }
      blocks.append(
        try PackedBlock(
          parameters, channels: channels, description: description, isLast: index == description.blockCount - 1))
    }
    guard constant.isFinite else { throw Failure(.format, "a global_scale of the flow is too small to invert") }
    self.channels = channels
    self.blocks = blocks
    self.clampAlpha = description.clampAlpha
    self.constant = constant
  }
}
