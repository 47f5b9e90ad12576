import Basics
import Kernels

/// The condition's columns of a block's first layer, and the layer's bias: hidden x P and hidden.
struct ConditionWeights: Sendable {
  private let weights: ConstantFloats
  private let bias: [Float]
  /// P.
  private let channels: Int

  init(_ parameters: BlockParameters, _ shape: BlockShape, channels: Int) throws(Failure) {
    self.channels = channels
    bias = parameters.firstBias
    weights = try ConstantFloats(count: shape.hidden * channels) { memory in
      for unit in 0..<shape.hidden {
        let start = unit * shape.subnetInputs + shape.first
        for k in 0..<channels { memory[unit * channels + k] = parameters.firstWeight[start + k] }
      }
    }
  }

  /// The weights times the encoding, which is a function of the column in its first half and of the row in its second:
  /// two small tables. Without a condition every row of the grid has the plain bias.
  func bias(height: Int, width: Int) throws(Failure) -> (rows: ConstantFloats, columns: ConstantFloats) {
    (
      try ConstantFloats(share(length: height, firstColumn: channels / 2, bias: bias)),
      try ConstantFloats(share(length: width, firstColumn: 0, bias: nil))
    )
  }

  private func share(length: Int, firstColumn: Int, bias own: [Float]?) -> [Float] {
    let hidden = bias.count
    let half = channels / 2
    let padding = [Float](repeating: 0, count: Product.paddedOutputs(hidden) - hidden)
    let encoding = PositionalEncoding.axis(length: length, channels: channels).map(Double.init)
    let product = DoubleProduct(matrix: weights.base + firstColumn, columns: half, stride: channels)
    var table: [Float] = []
    table.reserveCapacity(length * (hidden + padding.count))
    encoding.withUnsafeBufferPointer { encoding in
      for place in 0..<length {
        for unit in 0..<hidden {
          // Without a condition there is no encoding to point at.
          let sum = encoding.baseAddress.map { product.row(unit, by: $0 + place &* half) } ?? 0
          table.append(Float(Double(own?[unit] ?? 0) + sum))
        }
        table += padding
      }
    }
    return table
  }
}
