import Basics

/// A 2-D convolution of each channel with a kernel of its own, with bias, over position-major maps.
package struct DepthwiseConvolution: Sendable {
  package let channels: Int
  package let kernel: Int
  package let stride: Int
  package let activation: Activation
  /// One row of channels per tap.
  private let weights: ConstantFloats
  private let bias: ConstantFloats

  /// - Parameter weights: `channels` x 1 x `kernel` x `kernel`: PyTorch's `Conv2d.weight` with groups = channels.
  package init(
    weights: [Float], bias: [Float], channels: Int, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) {
    guard checkedProduct([channels, kernel, kernel]) == weights.count, bias.count == channels else {
      throw Failure(.format, "the convolution's weights do not have the shape of its layer")
    }
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.activation = activation
    let taps = kernel * kernel
    var tapMajor = [Float](repeating: 0, count: weights.count)
    for channel in 0..<channels {
      for tap in 0..<taps { tapMajor[tap * channels + channel] = weights[channel * taps + tap] }
    }
    self.weights = try ConstantFloats(tapMajor)
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
      window: plan.window(input, into: output), weights: weights.base, bias: bias.base, activation: activation)
    withUnsafePointer(to: task) { task in
      workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.selected.depthwise(
          context.assumingMemoryBound(to: Depthwise.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}
