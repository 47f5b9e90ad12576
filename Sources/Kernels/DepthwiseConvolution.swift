import Basics

/// A 2-D convolution of each channel with a kernel of its own, with scale and bias, over position-major maps.
package struct DepthwiseConvolution: Sendable {
  package let channels: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  /// One row of channels per tap.
  private let weights: ConstantFloats
  private let scale: ConstantFloats
  private let bias: ConstantFloats

  /// - Parameters:
  ///   - weights: rows of `kernel` x `kernel`: PyTorch's `Conv2d.weight` with groups = channels.
  ///   - scale: of each channel, that of a norm behind; nil for 1.
  package init(
    weights: WeightRows, scale: [Float]? = nil, bias: [Float], channels: Int, kernel: Int, stride: Int,
    activation: Activation
  ) throws(Failure) {
    guard bias.count == channels else {
      throw Failure(.format, "a bias of \(bias.count) values does not fit \(channels) channels")
    }
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    let taps = kernel * kernel
    let rows = try FloatBuffer(count: channels * taps, isBrief: true)
    for first in Swift.stride(from: 0, to: channels, by: Product.panelWidth) {
      try weights(first..<min(first + Product.panelWidth, channels), rows.base + first * taps)
    }
    self.weights = try ConstantFloats(count: channels * taps) { memory in
      transpose(rows.base, stride: taps, rows: channels, columns: taps, into: memory, stride: channels)
    }
    self.scale = try Product.scale(scale ?? bias.map { _ in 1 }, outputs: channels, paddedCount: channels)
    self.bias = try ConstantFloats(bias)
  }
}

extension DepthwiseConvolution {
  package func plan(_ input: Grid, rowBorder: Border, columnBorder: Border) throws(Failure) -> WindowPlan {
    try WindowPlan(input, kernel: kernel, stride: stride, rowBorder: rowBorder, columnBorder: columnBorder)
  }

  package func run(
    _ input: UnsafePointer<Float>, _ plan: WindowPlan, into output: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    let task = Depthwise(
      window: plan.window(input, into: output), weights: weights.base, scale: scale.base, bias: bias.base,
      activation: activation)
    withUnsafePointer(to: task) { task in
      workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.selected.depthwise(
          context.assumingMemoryBound(to: Depthwise.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}
