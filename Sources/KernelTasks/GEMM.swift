@_exported import CKernelTasks

extension GEMM {
  /// - Parameter shape: the shape of the build that will compute the task, for which the panels were packed.
  package init(
    _ shape: GEMMShape, rows: Int, x: UnsafePointer<Float>, xStride: Int, offsets: UnsafePointer<Int32>? = nil,
    taps: Int = 1, depth: Int, zeros: UnsafePointer<Float>, panels: UnsafePointer<Float>, outputs: Int,
    scale: UnsafePointer<Float>? = nil, bias: RowBias, residual: UnsafePointer<Float>? = nil,
    activation: Activation = .identity, y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    self.init(
      rows: rows, x: x, xStride: xStride, offsets: offsets, taps: taps, depth: depth, zeros: zeros, panels: panels,
      next: nil, outputs: outputs, paddedOutputs: shape.paddedOutputs(outputs), scale: scale, bias: bias,
      residual: residual, activation: activation, y: y, yStride: yStride)
  }
}

extension RowBias {
  /// Adds the same vector to every row.
  package static func shared(_ bias: UnsafePointer<Float>) -> RowBias {
    RowBias(rows: bias, columns: nil, width: 1, first: 0)
  }
}
