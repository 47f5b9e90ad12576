/// The mean of each channel over all positions of a map.
package struct ChannelMean {
  package var x: UnsafePointer<Float>
  package var grid: Grid
  /// One value per channel.
  package var y: UnsafeMutablePointer<Float>

  package init(x: UnsafePointer<Float>, grid: Grid, y: UnsafeMutablePointer<Float>) {
    self.x = x
    self.grid = grid
    self.y = y
  }
}

/// y = x * scale + offset + residual with one scale and one offset per channel, for rows of channels.
package struct ChannelAffine {
  package var x: UnsafePointer<Float>
  package var channels: Int
  package var scale: UnsafePointer<Float>
  /// nil: zeros.
  package var offset: UnsafePointer<Float>?
  /// Rows as x's.
  package var residual: UnsafePointer<Float>?
  /// May be x.
  package var y: UnsafeMutablePointer<Float>

  package init(
    x: UnsafePointer<Float>, channels: Int, scale: UnsafePointer<Float>, offset: UnsafePointer<Float>?,
    residual: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>
  ) {
    self.x = x
    self.channels = channels
    self.scale = scale
    self.offset = offset
    self.residual = residual
    self.y = y
  }
}

/// Each row of channels less its mean, divided by sqrt(variance + epsilon), then times weight plus bias.
package struct RowNorm {
  package var x: UnsafePointer<Float>
  package var channels: Int
  package var weight: UnsafePointer<Float>
  package var bias: UnsafePointer<Float>
  package var epsilon: Float
  package var y: UnsafeMutablePointer<Float>

  package init(
    x: UnsafePointer<Float>, channels: Int, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>, epsilon: Float,
    y: UnsafeMutablePointer<Float>
  ) {
    self.x = x
    self.channels = channels
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
    self.y = y
  }
}
