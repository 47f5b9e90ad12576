/// Whether none of `count` values is NaN or infinite: their products with 0 then add up to 0.
package func allFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
  var probe = SIMD8<Float>()
  var i = 0
  while i &+ 8 <= count {
    probe += UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self) * 0
    i &+= 8
  }
  var rest = probe.sum()
  while i < count {
    rest += values[i] * 0
    i &+= 1
  }
  return rest == 0
}
