/// The way back through a relu, for some columns of the group's rows: gradient = value > 0 ? gradient : 0, and its sums by
/// column over all rows and over those of each place.
package struct ReluGradient {
  /// Rows of the gradient, changed in place.
  package var gradient: UnsafeMutablePointer<Float>
  package var stride: Int
  /// Rows of relu's values.
  package var values: UnsafePointer<Float>
  package var valueStride: Int
  /// Over all rows; begins as zeros.
  package var sum: UnsafeMutablePointer<Float>
  /// Sums by place, rows `stride` apart, and each row's place; begin as zeros. None for an unconditional flow.
  package var places: (first: PlaceSums, second: PlaceSums)?

  package struct PlaceSums {
    package var sums: UnsafeMutablePointer<Float>
    package var indices: UnsafePointer<Int32>

    package init(sums: UnsafeMutablePointer<Float>, indices: UnsafePointer<Int32>) {
      self.sums = sums
      self.indices = indices
    }
  }

  package init(
    gradient: UnsafeMutablePointer<Float>, stride: Int, values: UnsafePointer<Float>, valueStride: Int,
    sum: UnsafeMutablePointer<Float>, places: (first: PlaceSums, second: PlaceSums)?
  ) {
    self.gradient = gradient
    self.stride = stride
    self.values = values
    self.valueStride = valueStride
    self.sum = sum
    self.places = places
  }
}

/// The way back through v = u gain + offset: gradient *= gain, with the gradients by gain and offset, which
/// begin as zeros.
package struct AffineGradient {
  /// Rows of the gradient by v, then by u.
  package var gradient: UnsafeMutablePointer<Float>
  package var stride: Int
  package var u: UnsafePointer<Float>
  package var uStride: Int
  package var gain: UnsafePointer<Float>
  package var gainGradient: UnsafeMutablePointer<Float>
  package var offsetGradient: UnsafeMutablePointer<Float>

  package init(
    gradient: UnsafeMutablePointer<Float>, stride: Int, u: UnsafePointer<Float>, uStride: Int,
    gain: UnsafePointer<Float>, gainGradient: UnsafeMutablePointer<Float>, offsetGradient: UnsafeMutablePointer<Float>
  ) {
    self.gradient = gradient
    self.stride = stride
    self.u = u
    self.uStride = uStride
    self.gain = gain
    self.gainGradient = gainGradient
    self.offsetGradient = offsetGradient
  }
}

/// The way back through u2 = x2 e^j + t with j = alpha tanh(s): gradient *= e^j, and the gradients by s and t before their
/// factors, with their sums over the rows, which begin as zeros.
package struct CouplingGradient {
  /// Rows of the gradient by u2, then by x2.
  package var gradient: UnsafeMutablePointer<Float>
  package var x2: UnsafePointer<Float>
  /// Floats between rows of both.
  package var stride: Int
  /// Rows of tanh(s) and e^j.
  package var tanh: UnsafePointer<Float>
  package var exponential: UnsafePointer<Float>
  package var keptStride: Int
  /// The gradient by each row's log p.
  package var rates: UnsafePointer<Float>
  /// Rows of the gradients by s and t.
  package var scale: UnsafeMutablePointer<Float>
  package var shift: UnsafeMutablePointer<Float>
  package var outputStride: Int
  package var scaleSum: UnsafeMutablePointer<Float>
  package var shiftSum: UnsafeMutablePointer<Float>
  /// alpha times the factor of s, and the factor of t.
  package var scaleFactor: Float
  package var shiftFactor: Float

  package init(
    gradient: UnsafeMutablePointer<Float>, x2: UnsafePointer<Float>, stride: Int, tanh: UnsafePointer<Float>,
    exponential: UnsafePointer<Float>, keptStride: Int, rates: UnsafePointer<Float>,
    scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>, outputStride: Int,
    scaleSum: UnsafeMutablePointer<Float>, shiftSum: UnsafeMutablePointer<Float>, scaleFactor: Float,
    shiftFactor: Float
  ) {
    self.gradient = gradient
    self.x2 = x2
    self.stride = stride
    self.tanh = tanh
    self.exponential = exponential
    self.keptStride = keptStride
    self.rates = rates
    self.scale = scale
    self.shift = shift
    self.outputStride = outputStride
    self.scaleSum = scaleSum
    self.shiftSum = shiftSum
    self.scaleFactor = scaleFactor
    self.shiftFactor = shiftFactor
  }
}
