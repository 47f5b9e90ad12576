import Basics
import Kernels

/// A coupling block with its weights laid out for scoring and everything folded that is the same on every grid: the
/// factor 0.1 and the scaled clamp's 1/alpha are in the second layer; the global affine is in the rotation.
struct PackedBlock: Sendable {
  /// hidden x n1.
  let first: LinearMap
  /// 2 n2 x hidden.
  let second: LinearMap
  let mixing: Mixing
  let condition: ConditionWeights

  /// What follows the coupling.
  enum Mixing: Sendable {
    /// y = (W diag(g)) u + W o.
    case rotation(LinearMap)
    /// y[i] = u[permutation[i]] * g[permutation[i]] + o[permutation[i]]; scale and offset already permuted.
    case permutation([Int32], scale: ConstantFloats, offset: ConstantFloats)
    /// After the last block only the length of z matters: neither mixing changes it. z = u * g + o.
    case last(scale: ConstantFloats, offset: ConstantFloats)
  }

  /// - Parameter isLast: whether z is what this block gives.
  init(
    _ parameters: BlockParameters, channels: Int, description: FlowDescription, isLast: Bool
  ) throws(Failure) {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    first = try LinearMap(outputs: shape.hidden, inputs: shape.first) { output, row in
      for i in 0..<shape.first { row[i] = parameters.firstWeight[output &* shape.subnetInputs &+ i] }
    }
    condition = try ConditionWeights(parameters, shape, channels: description.conditionChannels)

    let clampFactor = description.clamp == .scaledTanh ? 1 / Double(description.clampAlpha) : 1
    let factors = (0..<2 * shape.second).map { 0.1 * ($0 < shape.second ? clampFactor : 1) }
    second = try LinearMap(
      outputs: 2 * shape.second, inputs: shape.hidden,
      bias: zip(parameters.secondBias, factors).map { Float(Double($0) * $1) }
    ) { output, row in
      let factor = factors[output]
      let start = output &* shape.hidden
      for i in 0..<shape.hidden { row[i] = Float(Double(parameters.secondWeight[start &+ i]) * factor) }
    }
    mixing = try Self.mixing(parameters, channels: channels, isLast: isLast)
  }

  private static func mixing(
    _ parameters: BlockParameters, channels: Int, isLast: Bool
  ) throws(Failure) -> Mixing {
    let scale = parameters.globalScale.map(BlockParameters.scale)
    let offset = parameters.globalOffset.map(Double.init)
    if isLast {
      return .last(
        scale: try ConstantFloats(scale.map { Float($0) }), offset: try ConstantFloats(parameters.globalOffset))
    }
    switch parameters.mixing {
    case .rotation(let matrix):
      let bias = matrix.withUnsafeBufferPointer { matrix -> [Float] in
        guard let base = matrix.baseAddress else { return [] }
        let product = DoubleProduct(matrix: base, columns: channels, stride: channels)
        return (0..<channels).map { Float(product.row($0, by: offset)) }
      }
      return .rotation(
        try LinearMap(outputs: channels, inputs: channels, bias: bias) { output, row in
          for i in 0..<channels { row[i] = Float(Double(matrix[output &* channels &+ i]) * scale[i]) }
        })
    case .permutation(let indices):
      return .permutation(
        indices, scale: try ConstantFloats(indices.map { Float(scale[Int($0)]) }),
        offset: try ConstantFloats(indices.map { parameters.globalOffset[Int($0)] }))
    }
  }
}
