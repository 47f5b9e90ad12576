/// Multiplies weights by a factor in double precision, in place.
package func multiply(_ weights: UnsafeMutablePointer<Float>, count: Int, by factor: Double) {
  multiply(weights, count: count, vector: { _ in SIMD8(repeating: factor) }, single: { _ in factor })
}

/// Multiplies each weight by a factor of its own in double precision, in place.
package func multiply(_ weights: UnsafeMutablePointer<Float>, count: Int, by factors: UnsafePointer<Double>) {
  multiply(
    weights, count: count,
    vector: { UnsafeRawPointer(factors + $0).loadUnaligned(as: SIMD8<Double>.self) }, single: { factors[$0] })
}

/// - Parameters:
///   - vector: gives the factors of eight weights, from a place on.
///   - single: gives the factor of one weight.
@inline(__always)
private func multiply(
  _ weights: UnsafeMutablePointer<Float>, count: Int, vector: (Int) -> SIMD8<Double>, single: (Int) -> Double
) {
  let whole = count / 8 * 8
  for i in stride(from: 0, to: whole, by: 8) {
    let raw = UnsafeMutableRawPointer(weights + i)
    let product = SIMD8<Double>(raw.loadUnaligned(as: SIMD8<Float>.self)) * vector(i)
    raw.storeBytes(of: SIMD8<Float>(product), as: SIMD8<Float>.self)
  }
  for i in whole..<count { weights[i] = Float(Double(weights[i]) * single(i)) }
}
