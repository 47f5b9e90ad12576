import Basics

/// y = W x + bias for rows of vectors, W prepared once. With ``Convolution`` the one seam to the matrix kernels.
package struct LinearMap: Sendable {
  package let inputs: Int
  package let outputs: Int
  private let weights: PackedWeights
  private let bias: ConstantFloats

  /// - Parameters:
  ///   - weights: `outputs` x `inputs`, row-major: PyTorch's `Linear.weight`.
  ///   - bias: `outputs` values; empty for zeros.
  package init(weights: [Float], bias: [Float] = [], outputs: Int, inputs: Int) throws(Failure) {
    guard checkedProduct([outputs, inputs]) == weights.count else {
      throw Failure(.format, "\(weights.count) weights do not make a matrix of \(outputs) x \(inputs)")
    }
    self = try weights.withUnsafeBufferPointer { (weights) throws(Failure) in
      try LinearMap(outputs: outputs, inputs: inputs, bias: bias) { output, row in
        for input in 0..<inputs { row[input] = weights[output * inputs + input] }
      }
    }
  }

  /// - Parameters:
  ///   - bias: `outputs` values; empty for zeros.
  ///   - row: writes an output's `inputs` weights.
  package init(
    outputs: Int, inputs: Int, bias: [Float] = [],
    row: (_ output: Int, _ weights: UnsafeMutablePointer<Float>) -> Void
  ) throws(Failure) {
    guard bias.isEmpty || bias.count == outputs else {
      throw Failure(.format, "a bias of \(bias.count) values does not fit \(outputs) outputs")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.weights = try PackedWeights(outputs: outputs, inputs: inputs, row: row)
    self.bias = try ConstantFloats(bias, paddedCount: Product.paddedOutputs(outputs))
  }

  /// y = activation(bias + W x + residual) for `count` rows, `xStride` and `yStride` floats apart.
  ///
  /// - Parameters:
  ///   - bias: instead of the map's own.
  ///   - residual: rows as y's; may be y itself. y must not overlap x.
  package func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: Product.Bias? = nil,
    residual: UnsafePointer<Float>? = nil, activation: Activation = .identity,
    into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let product = Product(
      rows: count, x: x, xStride: xStride, depth: inputs, zeros: x, panels: weights.base, outputs: outputs,
      bias: bias ?? .shared(self.bias.base), residual: residual, activation: activation, y: y, yStride: yStride)
    Kernels.selected.product(product, rows: 0..<count, panels: 0..<weights.panelCount)
  }
}
