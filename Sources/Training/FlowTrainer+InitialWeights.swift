import Basics
import Flows

extension FlowTrainer {
  /// FrEIA's initial weights of a flow: torch.nn.Linear's defaults (Kaiming uniform with a = sqrt 5, which makes both
  /// weights and biases uniform within 1 / sqrt(inputs)), a global scale of 2 ln(e^5 - 1) so that g = 1, offset 0, and
  /// random rotations or permutations.
  ///
  /// - Parameters:
  ///   - asIdentity: whether second layers begin at 0 instead, so that the flow keeps every length and volume.
  ///   - precision: with 8 bits rotations are of ``HadamardRotation`` where there is one.
  package static func initialWeights(
    channels: Int, description: FlowDescription, asIdentity: Bool = false,
    precision: Precision = .float32, random: inout Random
  ) throws(Failure) -> StateDictionary {
    let layout = try BlockLayout(channels: channels, conditions: description.conditionChannels)
    let scale = Float(2 * log(exp(5.0) - 1))
    var weights = StateDictionary()
    for block in 0..<description.blockCount {
      for entry in layout.entries {
        let count = entry.shape.reduce(1, *)
        try checkMemory(for: count, of: Float.self)
        let values: [Float]
        switch entry.name {
        case "global_scale": values = [Float](repeating: scale, count: count)
        case "global_offset": values = [Float](repeating: 0, count: count)
        case "subnet.2.weight" where asIdentity, "subnet.2.bias" where asIdentity:
          values = [Float](repeating: 0, count: count)
        default:
          let inputs = entry.name.hasPrefix("subnet.0") ? layout.shape.subnetInputs : layout.shape.hidden
          let bound = 1 / Double(inputs).squareRoot()
          values = (0..<count).map { _ in Float(random.uniform(in: -bound...bound)) }
        }
        weights[BlockLayout.key(block, entry.name)] = try Tensor(shape: entry.shape, values: values)
      }
      let mixing: Tensor
      switch description.permutation {
      case .soft where precision == .int8 && HadamardRotation.isPossible(channels: channels):
        try checkMemory(for: channels * channels, of: Float.self)
        mixing = try Tensor(
          shape: [channels, channels], values: HadamardRotation.matrix(signs: randomSigns(channels, random: &random)))
      case .soft:
        // Memory for the vectors of the reflections and for their product.
        try checkMemory(for: 2 * channels * channels, of: Double.self)
        mixing = try Tensor(shape: [channels, channels], values: randomRotation(channels, random: &random))
      case .hard:
        mixing = try Tensor(shape: [channels], values: random.permutation(channels).map { Float($0) })
      }
      weights[BlockLayout.key(block, "w_perm")] = mixing
    }
    return weights
  }

  /// Signs whose product is 1, so that the rotation's determinant is.
  private static func randomSigns(_ count: Int, random: inout Random) -> [Float] {
    var signs = (0..<count).map { _ in Float(random.next() >> 63 == 0 ? 1 : -1) }
    signs[0] *= signs.reduce(1, *)
    return signs
  }
}
