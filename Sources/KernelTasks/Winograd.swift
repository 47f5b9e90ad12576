/// The transforms of a Winograd convolution F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for convolutional neural
/// networks", CVPR 2016): a tile of 6 x 6 inputs gives 4 x 4 outputs by 36 products instead of 144.
///
/// Transformed values lie as 36 matrices, one for each place in a tile, with a row of channels for each tile.
package struct WinogradInput {
  /// What numbers of channels are multiples of: the transforms do without parts of vectors.
  package static let channelMultiple = 16

  package var x: UnsafePointer<Float>
  /// Columns of the input.
  package var width: Int
  /// A multiple of ``channelMultiple``.
  package var channels: Int
  /// For each row of tiles 6 input rows, -1 beyond the border; columns likewise.
  package var rowSources: UnsafePointer<Int>
  package var columnSources: UnsafePointer<Int>
  /// `channels` zeros.
  package var zeros: UnsafePointer<Float>
  /// Tiles in a row.
  package var tileColumns: Int
  /// The tile that row 0 of the matrices belongs to.
  package var firstTile: Int
  /// 36 matrices, `matrixStride` floats apart, of rows of `channels`.
  package var transformed: UnsafeMutablePointer<Float>
  package var matrixStride: Int

  package init(
    x: UnsafePointer<Float>, width: Int, channels: Int, rowSources: UnsafePointer<Int>,
    columnSources: UnsafePointer<Int>, zeros: UnsafePointer<Float>, tileColumns: Int, firstTile: Int,
    transformed: UnsafeMutablePointer<Float>,
    matrixStride: Int
  ) {
    self.x = x
    self.width = width
    self.channels = channels
    self.rowSources = rowSources
    self.columnSources = columnSources
    self.zeros = zeros
    self.tileColumns = tileColumns
    self.firstTile = firstTile
    self.transformed = transformed
    self.matrixStride = matrixStride
  }
}

/// The transform of a panel's kernels, a row of places at a time: places 6 `row` ..< 6 `row` + 6.
package struct WinogradWeights {
  /// For each of `inputs` the 9 taps, ``Product/panelWidth`` outputs each.
  package var kernels: UnsafePointer<Float>
  package var inputs: Int
  package var row: Int
  /// For each place a panel: for each input a vector of outputs. Places are `placeStride` floats apart.
  package var transformed: UnsafeMutablePointer<Float>
  package var placeStride: Int

  package init(
    kernels: UnsafePointer<Float>, inputs: Int, row: Int, transformed: UnsafeMutablePointer<Float>, placeStride: Int
  ) {
    self.kernels = kernels
    self.inputs = inputs
    self.row = row
    self.transformed = transformed
    self.placeStride = placeStride
  }
}

/// From the 36 products back to positions: y = activation(output * scale + bias + residual).
package struct WinogradOutput {
  /// 36 matrices of rows of `channels`; overwritten as they are read.
  package var products: UnsafeMutablePointer<Float>
  package var matrixStride: Int
  package var firstTile: Int
  package var tileColumns: Int
  package var height: Int
  package var width: Int
  /// A multiple of ``WinogradInput/channelMultiple``.
  package var channels: Int
  package var scale: UnsafePointer<Float>
  package var bias: UnsafePointer<Float>
  /// As y; may be y itself.
  package var residual: UnsafePointer<Float>?
  package var activation: Activation
  package var y: UnsafeMutablePointer<Float>

  package init(
    products: UnsafeMutablePointer<Float>, matrixStride: Int, firstTile: Int, tileColumns: Int, height: Int, width: Int,
    channels: Int, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    activation: Activation, y: UnsafeMutablePointer<Float>
  ) {
    self.products = products
    self.matrixStride = matrixStride
    self.firstTile = firstTile
    self.tileColumns = tileColumns
    self.height = height
    self.width = width
    self.channels = channels
    self.scale = scale
    self.bias = bias
    self.residual = residual
    self.activation = activation
    self.y = y
  }
}
