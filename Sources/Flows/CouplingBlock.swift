import Basics
import Kernels

/// A coupling block prepared for scoring on one grid, with everything that is constant folded:
/// the condition's share of the first layer is a bias by row plus one by column; the factor 0.1 and the scaled clamp's
/// 1/alpha are in the second layer; the global affine is in the rotation.
struct CouplingBlock: Sendable {
  /// hidden x n1.
  let first: LinearMap
  /// The first layer's bias with the row's share of the condition: one vector for each row of the grid,
  /// as long as ``Product/Bias`` wants it.
  let rowBias: ConstantFloats
  /// The column's share of the condition: one vector for each column of the grid.
  let columnBias: ConstantFloats
  /// 2 n2 x hidden.
  let second: LinearMap
  let mixing: Mixing

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
    _ parameters: BlockParameters, channels: Int, height: Int, width: Int, description: FlowDescription, isLast: Bool
  ) throws(Failure) {
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    first = try LinearMap(
      weights: Self.columns(0..<shape.first, of: parameters.firstWeight, width: shape.subnetInputs),
      outputs: shape.hidden, inputs: shape.first)
    (rowBias, columnBias) = try Self.conditionBias(
      parameters, shape, height: height, width: width, channels: description.conditionChannels)

    let clampFactor = description.clamp == .scaledTanh ? 1 / Double(description.clampAlpha) : 1
    let factors = (0..<2 * shape.second).map { 0.1 * ($0 < shape.second ? clampFactor : 1) }
    second = try LinearMap(
      weights: parameters.secondWeight.enumerated().map { Float(Double($1) * factors[$0 / shape.hidden]) },
      bias: zip(parameters.secondBias, factors).map { Float(Double($0) * $1) },
      outputs: 2 * shape.second, inputs: shape.hidden)
    mixing = try Self.mixing(parameters, channels: channels, isLast: isLast)
  }

  private static func columns(_ range: Range<Int>, of matrix: [Float], width: Int) -> [Float] {
    var part: [Float] = []
    part.reserveCapacity(matrix.count / width * range.count)
    for start in stride(from: 0, to: matrix.count, by: width) {
      part += matrix[start + range.lowerBound..<start + range.upperBound]
    }
    return part
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
      var folded = matrix
      var bias = [Float](repeating: 0, count: channels)
      for row in 0..<channels {
        var sum = 0.0
        for column in 0..<channels {
          let weight = Double(matrix[row * channels + column])
          folded[row * channels + column] = Float(weight * scale[column])
          sum += weight * offset[column]
        }
        bias[row] = Float(sum)
      }
      return .rotation(try LinearMap(weights: folded, bias: bias, outputs: channels, inputs: channels))
    case .permutation(let indices):
      return .permutation(
        indices, scale: try ConstantFloats(indices.map { Float(scale[Int($0)]) }),
        offset: try ConstantFloats(indices.map { parameters.globalOffset[Int($0)] }))
    }
  }
}

extension CouplingBlock {
  /// W1's condition columns times the encoding, which is a function of the column in its first half and of the row in
  /// its second: two small tables. Without a condition every row of the grid has the plain bias.
  private static func conditionBias(
    _ parameters: BlockParameters, _ shape: BlockShape, height: Int, width: Int, channels: Int
  ) throws(Failure) -> (rows: ConstantFloats, columns: ConstantFloats) {
    let half = channels / 2
    let padding = [Float](repeating: 0, count: Product.paddedOutputs(shape.hidden) - shape.hidden)
    func share(length: Int, firstColumn: Int, bias: [Float]?) -> [Float] {
      let encoding = PositionalEncoding.axis(length: length, channels: channels)
      var table: [Float] = []
      table.reserveCapacity(length * Product.paddedOutputs(shape.hidden))
      for place in 0..<length {
        for unit in 0..<shape.hidden {
          var sum = Double(bias?[unit] ?? 0)
          for k in 0..<half {
            let weight = parameters.firstWeight[unit * shape.subnetInputs + firstColumn + k]
            sum += Double(weight) * Double(encoding[place * half + k])
          }
          table.append(Float(sum))
        }
        table += padding
      }
      return table
    }
    return (
      try ConstantFloats(share(length: height, firstColumn: shape.first + half, bias: parameters.firstBias)),
      try ConstantFloats(share(length: width, firstColumn: shape.first, bias: nil))
    )
  }
}
