import Basics

/// A rotation drawn uniformly (Haar measure) from SO(n), row-major, computed in double.
///
/// G. W. Stewart, "The Efficient Generation of Random Orthogonal Matrices with an Application to Condition Estimators",
/// SIAM J. Numer. Anal. 1980: a product of n - 1 Householder reflections of normal vectors of lengths n, n - 1, ..., 2;
/// then the signs that make the distribution uniform and the determinant +1 (as scipy.stats.special_ortho_group). Each
/// row goes through all reflections by itself, four rows at a time, so that a reflection is read once for four rows.
func randomRotation(_ n: Int, random: inout Random) -> [Float] {
  guard n > 1 else { return [Float](repeating: 1, count: max(n, 0)) }
  var signs = [Double](repeating: 1, count: n)
  // The reflection of step k is I - v v', v in row k from column k on.
  var vectors = [Double](repeating: 0, count: n * n)
  for k in 0..<(n - 1) {
    var square = 0.0
    for i in k..<n {
      let value = random.normal()
      vectors[k * n + i] = value
      square += value * value
    }
    let first = vectors[k * n + k]
    signs[k] = first < 0 ? -1 : 1
    vectors[k * n + k] = first + signs[k] * square.squareRoot()
    let shorten = 1 / (square + abs(first) * square.squareRoot()).squareRoot()
    for i in k..<n { vectors[k * n + i] *= shorten }
    signs[n - 1] *= -signs[k]
  }

  var rotation = [Float](repeating: 0, count: n * n)
  var rows = [SIMD4<Double>](repeating: SIMD4(), count: n)
  rows.withUnsafeMutableBufferPointer { rows in
    vectors.withUnsafeBufferPointer { vectors in
      for first in stride(from: 0, to: n, by: 4) {
        // Lane l of element i is the value at row first + l, column i.
        for i in 0..<n { rows[i] = SIMD4() }
        for lane in 0..<min(4, n - first) { rows[first + lane][lane] = 1 }
        for k in 0..<(n - 1) {
          var even = SIMD4<Double>()
          var odd = SIMD4<Double>()
          var i = k
          while i &+ 1 < n {
            even += rows[i] * vectors[k &* n &+ i]
            odd += rows[i &+ 1] * vectors[k &* n &+ i &+ 1]
            i &+= 2
          }
          if i < n { even += rows[i] * vectors[k &* n &+ i] }
          let product = even + odd
          for i in k..<n { rows[i] -= product * vectors[k &* n &+ i] }
        }
        for lane in 0..<min(4, n - first) {
          for i in 0..<n { rotation[(first + lane) * n + i] = Float(signs[first + lane] * rows[i][lane]) }
        }
      }
    }
  }
  return rotation
}
