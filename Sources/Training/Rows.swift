/// Loops over rows of numbers, which the compiler vectorizes. Rows of one call must not overlap.
enum Rows {
  static func clear(_ rows: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>, count: Int) {
    fill(rows, stride: stride, columns: columns, count: count) { _ in 0 }
  }

  /// Makes each row's columns a copy of `values`' columns.
  static func fill(
    _ rows: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>, count: Int, with values: UnsafePointer<Float>
  ) {
    fill(rows, stride: stride, columns: columns, count: count) { values[$0] }
  }

  @inline(__always)
  private static func fill(
    _ rows: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>, count: Int, _ value: (Int) -> Float
  ) {
    let (first, end) = (columns.lowerBound, columns.upperBound)
    for row in 0..<count {
      let target = rows + row &* stride
      for i in first..<end { target[i] = value(i) }
    }
  }

  /// max(0, x), but NaN stays.
  @inline(__always)
  static func rectify(_ row: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count {
      let value = row[i]
      row[i] = value < 0 ? 0 : value
    }
  }

  /// The sum of a term of each number, in eight lanes: a fixed order that the compiler can vectorize.
  @inline(__always)
  static func sum(
    _ row: UnsafePointer<Float>, count: Int, _ term: (SIMD8<Float>) -> SIMD8<Float>
  ) -> Float {
    var lanes = SIMD8<Float>()
    let whole = count / 8 * 8
    for i in stride(from: 0, to: whole, by: 8) {
      lanes += term(UnsafeRawPointer(row + i).loadUnaligned(as: SIMD8<Float>.self))
    }
    var total = lanes.sum()
    for i in whole..<count { total += term(SIMD8(repeating: row[i]))[0] }
    return total
  }
}
