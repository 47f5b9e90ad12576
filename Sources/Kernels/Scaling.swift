/// Weights times a factor in double precision, in place.
package func multiply(_ weights: UnsafeMutablePointer<Float>, count: Int, by factor: Double) {
  let raw = UnsafeMutableRawPointer(weights)
  let whole = count / 8 * 8
  for i in stride(from: 0, to: whole, by: 8) {
    let product = SIMD8<Double>((raw + 4 &* i).loadUnaligned(as: SIMD8<Float>.self)) * factor
    (raw + 4 &* i).storeBytes(of: SIMD8<Float>(product), as: SIMD8<Float>.self)
  }
  for i in whole..<count { weights[i] = Float(Double(weights[i]) * factor) }
}

/// The same with a factor for each.
package func multiply(_ weights: UnsafeMutablePointer<Float>, count: Int, by factors: UnsafePointer<Double>) {
  let (raw, rawFactors) = (UnsafeMutableRawPointer(weights), UnsafeRawPointer(factors))
  let whole = count / 8 * 8
  for i in stride(from: 0, to: whole, by: 8) {
    let product =
      SIMD8<Double>((raw + 4 &* i).loadUnaligned(as: SIMD8<Float>.self))
      * (rawFactors + 8 &* i).loadUnaligned(as: SIMD8<Double>.self)
    (raw + 4 &* i).storeBytes(of: SIMD8<Float>(product), as: SIMD8<Float>.self)
  }
  for i in whole..<count { weights[i] = Float(Double(weights[i]) * factors[i]) }
}
