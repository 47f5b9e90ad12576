/// The elementwise half of an affine coupling (FrEIA AllInOneBlock), over rows of fibers.
package enum Coupling {
  /// For each row: x2 = x2 * e^j + t and logDeterminant += sum(j), with j = alpha * tanh(s).
  ///
  /// - Parameters:
  ///   - coefficients: `count` rows of s (`width` values, already divided by alpha for the scaled clamp) and then t.
  ///   - x2: the second part of each fiber, rows `stride` apart; changed in place.
  package static func transform(
    coefficients: UnsafePointer<Float>, alpha: Float, x2: UnsafeMutablePointer<Float>, stride: Int, width: Int,
    count: Int, logDeterminants: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let s = coefficients + row &* 2 &* width
      let t = s + width
      let x = x2 + row &* stride
      var sum = VectorMath.Vector()
      // Lanes beyond the end hold s = 0, of which tanh is 0: they add nothing.
      VectorMath.forEachVector(count: width) { start, length in
        let j = VectorMath.tanh(VectorMath.load(s + start, length)) * alpha
        sum += j
        let scaled = VectorMath.load(x + start, length) * VectorMath.exp(j) + VectorMath.load(t + start, length)
        VectorMath.store(scaled, to: x + start, length)
      }
      logDeterminants[row] += sum.sum()
    }
  }

  /// y[i] = u[permutation[i]] * scale[i] + offset[i], row by row: the hard permutation after the global affine.
  package static func permute(
    _ u: UnsafePointer<Float>, permutation: UnsafePointer<Int32>, scale: UnsafePointer<Float>,
    offset: UnsafePointer<Float>, channels: Int, count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let source = u + row &* channels
      let target = y + row &* channels
      for i in 0..<channels { target[i] = source[Int(permutation[i])] * scale[i] + offset[i] }
    }
  }

  /// For each row the squared length of u * scale + offset.
  package static func squaredNorms(
    _ u: UnsafePointer<Float>, scale: UnsafePointer<Float>, offset: UnsafePointer<Float>, channels: Int, count: Int,
    into norms: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let source = u + row &* channels
      var sum = VectorMath.Vector()
      VectorMath.forEachVector(count: channels) { start, length in
        let z =
          VectorMath.load(source + start, length) * VectorMath.load(scale + start, length)
          + VectorMath.load(offset + start, length)
        sum += z * z
      }
      norms[row] = sum.sum()
    }
  }
}
