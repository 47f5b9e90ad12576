import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// Activations that need more than a comparison. They are not inlined, so that inner loops that end in one keep their
/// registers.
extension SIMD8<Float> {
  @inline(never)
  func sigmoid() -> Vector { 1 / (1 + VectorMath.exp(-self)) }

  @inline(never)
  func silu() -> Vector { self / (1 + VectorMath.exp(-self)) }

  @inline(never)
  func hardSigmoid() -> Vector { gate() / 6 }

  @inline(never)
  func hardSwish() -> Vector { self * gate() / 6 }

  /// 6 times hardSigmoid. Callers divide by 6, which rounds once. Multiplying by 1 / 6 would round twice, since 1 / 6 is rounded
  /// itself.
  @inline(__always)
  private func gate() -> Vector {
    let x = self + 3
    return x.replacing(with: 0, where: x .< 0).replacing(with: 6, where: x .> 6)
  }

  @inline(never)
  func gelu() -> Vector { 0.5 * self * (1 + VectorMath.erf(self * 0.707_106_77)) }
}

extension VectorMath {
  /// erf x. Error below 1.5e-7; odd, and within -1...1.
  @inline(__always)
  static func erf(_ x: Vector) -> Vector {
    // Two minimax polynomials: of erf(x) / x - 1 in x^2 for |x| < 1, and of -ln(1 - erf x) from 1 to 4, where erf rounds to 1.
    let magnitude = x.replacing(with: -x, where: x .< 0)
    let t = magnitude.replacing(with: 4, where: magnitude .> 4)
    let s = t * t
    var p = Vector(repeating: 7.889119297033176e-05)
    p = p * s - 0.0008020841050893068
    p = p * s + 0.005189535208046436
    p = p * s - 0.026854444295167923
    p = p * s + 0.11283600330352783
    p = p * s - 0.3761262595653534
    p = p * s + 0.12837916612625122
    let small = t + t * p
    var q = Vector(repeating: 2.1686850232072175e-05)
    q = q * t - 0.00044133636401966214
    q = q * t + 0.004204561933875084
    q = q * t - 0.025208257138729095
    q = q * t + 0.10841857641935349
    q = q * t + 0.6332198977470398
    q = q * t + 1.1295784711837769
    q = q * t - 0.0001880402269307524
    let value = (1 - exp(-q)).replacing(with: small, where: t .< 1)
    return value.replacing(with: -value, where: x .< 0)
  }
}
