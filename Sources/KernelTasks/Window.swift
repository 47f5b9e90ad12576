/// A window that slides over a position-major map, each channel by itself.
package struct Window {
  package var x: UnsafePointer<Float>
  /// Columns of the input.
  package var inputWidth: Int
  package var channels: Int
  package var kernel: Int
  package var stride: Int
  /// For each output row, for each tap: the input row, or -1 beyond the border. Columns likewise.
  package var rowSources: UnsafePointer<Int>
  package var columnSources: UnsafePointer<Int>
  /// Output columns whose taps are neighbours in the input, none beyond the border.
  package var interior: Range<Int>
  package var outputWidth: Int
  package var y: UnsafeMutablePointer<Float>

  package init(
    x: UnsafePointer<Float>, inputWidth: Int, channels: Int, kernel: Int, stride: Int, rowSources: UnsafePointer<Int>,
    columnSources: UnsafePointer<Int>, interior: Range<Int>, outputWidth: Int, y: UnsafeMutablePointer<Float>
  ) {
    self.x = x
    self.inputWidth = inputWidth
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.rowSources = rowSources
    self.columnSources = columnSources
    self.interior = interior
    self.outputWidth = outputWidth
    self.y = y
  }
}

/// A convolution of each channel by itself. Every output is summed in one order: tap by tap, times the scale and plus the
/// bias.
package struct Depthwise {
  package var window: Window
  /// One vector of channels per tap.
  package var weights: UnsafePointer<Float>
  package var scale: UnsafePointer<Float>
  package var bias: UnsafePointer<Float>
  package var activation: Activation

  package init(
    window: Window, weights: UnsafePointer<Float>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    activation: Activation
  ) {
    self.window = window
    self.weights = weights
    self.scale = scale
    self.bias = bias
    self.activation = activation
  }
}
