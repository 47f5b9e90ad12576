/// Products of a matrix of float32 weights and vectors in double precision, for what is computed once, when a flow is prepared.
struct DoubleProduct {
  /// Rows of `columns` weights, `stride` floats apart.
  let matrix: UnsafePointer<Float>
  let columns: Int
  let stride: Int

  /// The product of a row with `columns` values.
  func row(_ row: Int, by vector: UnsafePointer<Double>) -> Double {
    let weights = UnsafeRawPointer(matrix + row &* stride)
    let values = UnsafeRawPointer(vector)
    let whole = columns / 8 * 8
    var sums = SIMD8<Double>()
    for i in Swift.stride(from: 0, to: whole, by: 8) {
      sums +=
        SIMD8<Double>((weights + 4 &* i).loadUnaligned(as: SIMD8<Float>.self))
        * (values + 8 &* i).loadUnaligned(as: SIMD8<Double>.self)
    }
    var sum = sums.sum()
    for i in whole..<columns { sum += Double(matrix[row &* stride &+ i]) * vector[i] }
    return sum
  }
}
