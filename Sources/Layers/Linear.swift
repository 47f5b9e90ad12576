import Basics
import Kernels

/// y = W x + bias for rows of vectors, with W packed once.
package struct Linear: Sendable {
  package let inputs: Int
  package let outputs: Int
  private let weights: PackedMatrix
  private let bias: SharedFloats
  private let arithmetic: Arithmetic

  /// - Parameters:
  ///   - bias: `outputs` values; empty for zeros.
  ///   - arithmetic: whether all builds of the kernels shall give the same bits.
  ///   - memory: for the weights; nil for memory of its own.
  ///   - rows: rows of `inputs` weights: PyTorch's `Linear.weight`.
  package init(
    outputs: Int, inputs: Int, bias: [Float] = [], on arithmetic: Arithmetic = .fast, in memory: WeightMemory? = nil,
    rows: WeightRows
  ) throws(Failure) {
    guard bias.isEmpty || bias.count == outputs else {
      throw Failure(.format, "a bias of \(bias.count) values does not fit \(outputs) outputs")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.arithmetic = arithmetic
    self.weights = try PackedMatrix(
      outputs: outputs, inputs: inputs, for: arithmetic.kernels.gemmShape, in: memory, rows: rows)
    self.bias = try SharedFloats(bias, paddedCount: weights.shape.paddedOutputs(outputs))
  }

  /// y = activation(bias + W x + residual) for `count` rows, `xStride` and `yStride` floats apart.
  ///
  /// - Parameters:
  ///   - bias: replaces the layer's own bias.
  ///   - residual: rows laid out as those of y; may be y itself. y must not overlap x.
  package func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: RowBias? = nil,
    residual: UnsafePointer<Float>? = nil, activation: Activation = .identity,
    into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    GEMM(
      weights.shape, rows: count, x: x, xStride: xStride, depth: inputs, zeros: x, panels: weights.base,
      outputs: outputs, bias: bias ?? .shared(self.bias.base), residual: residual, activation: activation, y: y,
      yStride: yStride
    ).run(on: arithmetic.kernels)
  }
}
