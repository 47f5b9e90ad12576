import Basics

/// y = W x + bias for rows of vectors, W prepared once. With ``Convolution`` the one seam to the matrix kernels.
package struct LinearMap: Sendable {
  package let inputs: Int
  package let outputs: Int
  private let weights: PackedWeights
  private let bias: ConstantFloats

  /// - Parameters:
  ///   - bias: `outputs` values; empty for zeros.
  ///   - memory: for the weights; nil for memory of its own.
  ///   - rows: rows of `inputs` weights: PyTorch's `Linear.weight`.
  package init(
    outputs: Int, inputs: Int, bias: [Float] = [], in memory: WeightMemory? = nil, rows: WeightRows
  ) throws(Failure) {
    guard bias.isEmpty || bias.count == outputs else {
      throw Failure(.format, "a bias of \(bias.count) values does not fit \(outputs) outputs")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.weights = try PackedWeights(outputs: outputs, inputs: inputs, in: memory, rows: rows)
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
