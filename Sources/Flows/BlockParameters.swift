import Basics

/// The numbers of one coupling block as a checkpoint holds them (FrEIA AllInOneBlock; keys under `module_list.{k}.`),
/// shapes checked; sizes are those of ``BlockShape``.
package struct BlockParameters: Sendable {
  /// `subnet.0`: H x D and H.
  package let weight1: [Float]
  package let bias1: [Float]
  /// `subnet.2`: 2 n2 x H and 2 n2; the first n2 outputs are s, the others t.
  package let weight2: [Float]
  package let bias2: [Float]
  /// The scale before its softplus: C values.
  package let globalScale: [Float]
  /// C values.
  package let globalOffset: [Float]
  package let mixing: Mixing

  /// Block `index` of a flow over `channels` channels. Errors name the key.
  package init(
    _ weights: StateDictionary, block index: Int, channels: Int, description: FlowDescription
  ) throws(Failure) {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    let key = "module_list.\(index)"
    weight1 = try weights.values("\(key).subnet.0.weight", shape: shape.weight1)
    bias1 = try weights.values("\(key).subnet.0.bias", shape: [shape.hidden])
    weight2 = try weights.values("\(key).subnet.2.weight", shape: shape.weight2)
    bias2 = try weights.values("\(key).subnet.2.bias", shape: [2 * shape.x2Count])
    globalScale = try weights.values("\(key).global_scale", shape: [1, channels])
    globalOffset = try weights.values("\(key).global_offset", shape: [1, channels])
    mixing = try Mixing(weights, "\(key).w_perm", channels: channels, description.permutation)
  }

  /// g = 0.1 softplus(global_scale), beta 0.5, threshold 20 (torch.nn.Softplus).
  package static func scale(_ globalScale: Float) -> Double {
    let x = 0.5 * Double(globalScale)
    return 0.1 * (x > 20 ? x : PortableMath.log1p(PortableMath.exp(x))) / 0.5
  }
}

/// Sizes of a coupling block, which splits a fiber as FrEIA does: x = [x1, x2]. x1 passes unchanged and, with the condition,
/// decides how x2 is scaled and shifted.
package struct BlockShape: Sendable {
  /// C, the channels of a fiber.
  package let channels: Int
  /// P, the length of a condition.
  package let conditionChannels: Int
  /// n1 = C - C/2, the channels of x1.
  package let x1Count: Int
  /// n2 = C/2, the channels of x2.
  package let x2Count: Int
  /// D = n1 + P, the inputs of the subnet's first layer.
  package let subnetInputs: Int
  /// H = 2 D, the subnet's hidden units.
  package let hidden: Int

  /// Shapes of the subnet's weights.
  package var weight1: [Int] { [hidden, subnetInputs] }
  package var weight2: [Int] { [2 * x2Count, hidden] }

  package init(channels: Int, conditionChannels: Int) {
    (self.channels, self.conditionChannels) = (channels, conditionChannels)
    x2Count = channels / 2
    x1Count = channels - x2Count
    subnetInputs = x1Count + conditionChannels
    hidden = 2 * subnetInputs
  }
}
