/// Whether none of `count` values is NaN or infinite. Only then do their products with 0 sum to 0.
package func allFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
  // Four sums side by side, none of which waits for another.
  var (a, b, c, d) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
  var i = 0
  while i &+ 32 <= count {
    let next = UnsafeRawPointer(values + i)
    a += next.loadUnaligned(as: SIMD8<Float>.self) * 0
    b += next.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self) * 0
    c += next.loadUnaligned(fromByteOffset: 64, as: SIMD8<Float>.self) * 0
    d += next.loadUnaligned(fromByteOffset: 96, as: SIMD8<Float>.self) * 0
    i &+= 32
  }
  var rest = (a + b + c + d).sum()
  while i < count {
    rest += values[i] * 0
    i &+= 1
  }
  return rest == 0
}
