/// The elementwise half of an affine coupling (FrEIA AllInOneBlock): for each row x2 = x2 * e^j + t and
/// logDeterminant += sum(j), with j = alpha * tanh(s).
package struct Coupling {
  /// Rows of s (`width` values, already divided by alpha for the scaled clamp) and then t.
  package var coefficients: UnsafePointer<Float>
  package var alpha: Float
  /// The second part of each fiber, rows `stride` apart; changed in place.
  package var x2: UnsafeMutablePointer<Float>
  package var stride: Int
  package var width: Int
  package var logDeterminants: UnsafeMutablePointer<Float>

  package init(
    coefficients: UnsafePointer<Float>, alpha: Float, x2: UnsafeMutablePointer<Float>, stride: Int, width: Int,
    logDeterminants: UnsafeMutablePointer<Float>
  ) {
    self.coefficients = coefficients
    self.alpha = alpha
    self.x2 = x2
    self.stride = stride
    self.width = width
    self.logDeterminants = logDeterminants
  }
}

/// The global affine of a coupling block over rows of fibers: u * scale + offset.
package struct GlobalAffine {
  package var u: UnsafePointer<Float>
  package var scale: UnsafePointer<Float>
  package var offset: UnsafePointer<Float>
  package var channels: Int
  /// Floats from one row of u to the next.
  package var stride: Int

  package init(
    u: UnsafePointer<Float>, scale: UnsafePointer<Float>, offset: UnsafePointer<Float>, channels: Int, stride: Int
  ) {
    self.u = u
    self.scale = scale
    self.offset = offset
    self.channels = channels
    self.stride = stride
  }
}
