// This file is hot: see Products/GEMM.swift for what that forbids.

/// Elementary functions on vectors. Errors are bounds against the exact value (see the tests).
enum VectorMath {
  /// e^x for |x| <= 87; arguments beyond are clamped. Error below 2 units in the last place.
  @inline(__always)
  static func exp(_ x: Vector) -> Vector {
    let (power, q) = split(clamp(x, to: 87))
    return power.times(q, plus: power)
  }

  /// tanh x. Error below 4 units in the last place; odd, and within -1...1.
  @inline(__always)
  static func tanh(_ x: Vector) -> Vector {
    // tanh x = m / (m + 2) with m = e^2x - 1, which `split` gives without cancellation. Beyond 9 it rounds to +-1.
    let (power, q) = split(2 * clamp(x, to: 9))
    let m = power.times(q, plus: power - 1)
    return m / (m + 2)
  }

  /// x limited to -limit...limit; NaN stays NaN. It compares and selects, because `SIMD.clamped` works lane by lane.
  @inline(__always)
  private static func clamp(_ x: Vector, to limit: Float) -> Vector {
    let below = x.replacing(with: limit, where: x .> limit)
    return below.replacing(with: -limit, where: below .< -limit)
  }

  /// e^x as power * (1 + q): power = 2^n, q = e^r - 1 with |r| <= ln 2 / 2.
  @inline(__always)
  private static func split(_ x: Vector) -> (power: Vector, q: Vector) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let rounder = Vector(repeating: 12_582_912)
    let shifted = x.times(Vector(repeating: 1.442_695_04), plus: rounder)
    let n = shifted - rounder
    // ln 2 is split in two parts. The first has so few bits that n times it is exact.
    let r = n.times(Vector(repeating: 2.121_944_4e-4), plus: x - n * 0.693_359_375)
    // The Taylor series to r^7: its remainder r^8 / 8! is below 6e-9.
    var q = Vector(repeating: 1 / 5040)
    q = q.times(r, plus: Vector(repeating: 1 / 720))
    q = q.times(r, plus: Vector(repeating: 1 / 120))
    q = q.times(r, plus: Vector(repeating: 1 / 24))
    q = q.times(r, plus: Vector(repeating: 1 / 6))
    q = q.times(r, plus: Vector(repeating: 0.5))
    q = q.times(r * r, plus: r)
    let exponent = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- unsafeBitCast(rounder, to: SIMD8<Int32>.self)
    let bits = (exponent &+ SIMD8<Int32>(repeating: 127)) &<< SIMD8<Int32>(repeating: 23)
    return (unsafeBitCast(bits, to: Vector.self), q)
  }
}

@inline(__always)
private func map(_ values: UnsafeMutablePointer<Float>, _ count: Int, _ function: (Vector) -> Vector) {
  forEachVector(count: count) { start, lanes in
    function(Vector.load(values + start, first: lanes)).store(to: values + start, first: lanes)
  }
}

extension Variant {
  package func exp(_ values: UnsafeMutablePointer<Float>, count: Int) { map(values, count) { VectorMath.exp($0) } }
}

extension Variant {
  package func tanh(_ values: UnsafeMutablePointer<Float>, count: Int) { map(values, count) { VectorMath.tanh($0) } }
}
