import Basics
import OpenBLAS

/// y = W x + bias for rows of vectors, W prepared once. With ``Convolution`` the one seam to the matrix kernels.
package struct LinearMap: Sendable {
  package let inputs: Int
  package let outputs: Int
  private let weights: ConstantFloats

  /// - Parameter weights: `outputs` x `inputs`, row-major: PyTorch's `Linear.weight`.
  package init(weights: [Float], outputs: Int, inputs: Int) throws(Failure) {
    guard checkedProduct([outputs, inputs]) == weights.count else {
      throw Failure(.format, "\(weights.count) weights do not make a matrix of \(outputs) x \(inputs)")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.weights = try ConstantFloats(weights)
  }

  /// What is in y before the products are added.
  package enum Bias {
    /// The same values for every row.
    case shared(UnsafePointer<Float>)
    /// `rows[position / width] + columns[position % width]`, vectors of `outputs`; row 0 of x is position `first`.
    case grid(rows: UnsafePointer<Float>, columns: UnsafePointer<Float>, width: Int, first: Int)
  }

  /// y = activation(bias + W x + residual) for `count` rows, `xStride` and `yStride` floats apart.
  ///
  /// The residual's rows lie as y's do. y must not overlap x; it may be the residual itself.
  package func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: Bias, residual: UnsafePointer<Float>? = nil,
    activation: Activation = .identity, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    // Rows are cut at fixed places: the kernels' sums may depend on how many rows they see, not on the caller.
    var start = 0
    while start < count {
      let length = min(Self.rowsAtOnce, count &- start)
      let target = y + start &* yStride
      for row in 0..<length {
        let values = target + row &* yStride
        initialize(values, bias: bias, row: start &+ row, residual: residual.map { $0 + (start &+ row) &* yStride })
      }
      BLAS.multiply(
        x + start &* xStride, rowStride: xStride, transposed: false, by: weights.base, rowStride: inputs,
        transposed: true, into: target,
        rowStride: yStride, rows: length, columns: outputs, depth: inputs, beta: 1)
      for row in 0..<length { activation.apply(target + row &* yStride, count: outputs) }
      start &+= length
    }
  }

  private static let rowsAtOnce = 512

  @inline(__always)
  private func initialize(_ y: UnsafeMutablePointer<Float>, bias: Bias, row: Int, residual: UnsafePointer<Float>?) {
    switch bias {
    case .shared(let values):
      if let residual {
        for i in 0..<outputs { y[i] = values[i] + residual[i] }
      } else {
        y.update(from: values, count: outputs)
      }
    case .grid(let rows, let columns, let width, let first):
      let position = first &+ row
      let a = rows + (position / width) &* outputs
      let b = columns + (position % width) &* outputs
      for i in 0..<outputs { y[i] = a[i] + b[i] }
      if let residual { for i in 0..<outputs { y[i] += residual[i] } }
    }
  }
}
