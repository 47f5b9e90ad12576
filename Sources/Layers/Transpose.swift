/// target[column][row] = source[row][column]; strides are in floats from one stored row to the next.
package func transpose(
  _ source: UnsafePointer<Float>, stride sourceStride: Int, rows: Int, columns: Int,
  into target: UnsafeMutablePointer<Float>, stride targetStride: Int
) {
  let wholeRows = rows / 4 * 4
  let wholeColumns = columns / 4 * 4
  // Columns are the outer loop, so that the target is written row by row.
  for column in stride(from: 0, to: wholeColumns, by: 4) {
    for row in stride(from: 0, to: wholeRows, by: 4) {
      transposeTile(
        source + (row &* sourceStride &+ column), stride: sourceStride, into: target + (column &* targetStride &+ row),
        stride: targetStride)
    }
  }
  for row in 0..<rows {
    for column in (row < wholeRows ? wholeColumns : 0)..<columns {
      target[column &* targetStride &+ row] = source[row &* sourceStride &+ column]
    }
  }
}

/// Transposes 4 x 4 values by exchanging halves.
@inline(__always)
private func transposeTile(
  _ source: UnsafePointer<Float>, stride sourceStride: Int, into target: UnsafeMutablePointer<Float>,
  stride targetStride: Int
) {
  func load(_ row: Int) -> SIMD4<Float> {
    UnsafeRawPointer(source + row &* sourceStride).loadUnaligned(as: SIMD4<Float>.self)
  }
  func store(_ value: SIMD4<Float>, _ row: Int) {
    UnsafeMutableRawPointer(target + row &* targetStride).storeBytes(of: value, as: SIMD4<Float>.self)
  }
  let first = SIMD8(lowHalf: load(0), highHalf: load(1))
  let second = SIMD8(lowHalf: load(2), highHalf: load(3))
  let even = SIMD8(lowHalf: first.evenHalf, highHalf: second.evenHalf)
  let odd = SIMD8(lowHalf: first.oddHalf, highHalf: second.oddHalf)
  store(even.evenHalf, 0)
  store(odd.evenHalf, 1)
  store(even.oddHalf, 2)
  store(odd.oddHalf, 3)
}
