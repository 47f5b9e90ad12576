import Basics
import Kernels

/// A 2-D convolution of each channel with a kernel of its own, with scale and bias, over position-major maps.
package struct DepthwiseConvolution: Operation {
  private let window: SlidingWindow
  /// One row of channels per tap.
  private let weights: SharedFloats
  private let scale: SharedFloats
  private let epilogue: Epilogue

  /// - Parameters:
  ///   - shape: a shape with as many groups as inputs and as outputs.
  ///   - weights: rows of the window's taps: PyTorch's `Conv2d.weight`.
  package init(_ shape: ConvolutionShape, weights: WeightRows, epilogue: Epilogue) throws(Failure) {
    guard shape.inputs == shape.groups, shape.outputs == shape.groups else {
      throw Failure(.format, "\(shape.groups) groups of \(shape.inputs) to \(shape.outputs) channels are not one each")
    }
    try epilogue.check(outputs: shape.outputs)
    let (channels, taps) = (shape.outputs, shape.window.taps)
    let panelWidth = Kernels.gemmShape.panelWidth
    let rows = try FloatBuffer(count: channels * taps, isBrief: true)
    for first in Swift.stride(from: 0, to: channels, by: panelWidth) {
      try weights(first..<min(first + panelWidth, channels), rows.base + first * taps)
    }
    self.weights = try SharedFloats(count: channels * taps) { memory in
      transpose(rows.base, stride: taps, rows: channels, columns: taps, into: memory, stride: channels)
    }
    self.window = shape.window
    self.scale = try epilogue.filledScale()
    self.epilogue = epilogue
  }
}

extension DepthwiseConvolution {
  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    let task = Depthwise(
      window: plan.window(memory.input, into: memory.output), weights: weights.base, scale: scale.base,
      bias: epilogue.bias.base, activation: epilogue.activation)
    withUnsafePointer(to: task) { task in
      memory.workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.selected.depthwise(
          context.assumingMemoryBound(to: Depthwise.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}
