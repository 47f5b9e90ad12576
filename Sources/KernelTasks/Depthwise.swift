/// A convolution of each channel by itself over a position-major map.
package struct Depthwise {
  package var x: UnsafePointer<Float>
  /// Columns of the input.
  package var inputWidth: Int
  package var channels: Int
  package var kernel: Int
  /// For each output row, for each tap: the input row, or -1 beyond the border. Columns likewise.
  package var rowSources: UnsafePointer<Int>
  package var columnSources: UnsafePointer<Int>
  package var outputHeight: Int
  package var outputWidth: Int
  /// One vector of channels per tap.
  package var weights: UnsafePointer<Float>
  package var bias: UnsafePointer<Float>
  package var activation: Activation
  package var y: UnsafeMutablePointer<Float>

  package init(
    x: UnsafePointer<Float>, inputWidth: Int, channels: Int, kernel: Int, rowSources: UnsafePointer<Int>,
    columnSources: UnsafePointer<Int>, outputHeight: Int, outputWidth: Int, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, activation: Activation, y: UnsafeMutablePointer<Float>
  ) {
    self.x = x
    self.inputWidth = inputWidth
    self.channels = channels
    self.kernel = kernel
    self.rowSources = rowSources
    self.columnSources = columnSources
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.weights = weights
    self.bias = bias
    self.activation = activation
    self.y = y
  }
}
