/// Elementary functions in double precision with the same bits on every processor. Those of the system are not: glibc has
/// several of each, and takes the one with fused multiply-add where the processor has that.
///
/// Only sums, products, quotients and roundings that every processor rounds alike are used here, in the order that they are
/// written in. Errors are bounds against the exact value, in units in the last place (see the tests).
package enum PortableMath {
  /// e^x. Error below 1 unit; 0 below -708 and infinite above 709, so that no result is subnormal.
  @inline(__always)
  package static func exp(_ x: Double) -> Double {
    // x = n ln 2 + r with |r| <= ln 2 / 2, so that e^x = 2^n e^r. Adding 1.5 * 2^52 rounds to an integer and leaves it in the
    // low bits.
    let limited = x > 709 ? 709 : x < -708 ? -708 : x
    let shifted = limited * 0x1.71547652b82fep+0 + rounder
    let n = shifted - rounder
    let r = (limited - n * ln2High) - n * ln2Low
    // The Taylor series to r^13: its remainder is below 5e-18.
    var q = 1 / 6_227_020_800.0
    q = q * r + 1 / 479_001_600
    q = q * r + 1 / 39_916_800
    q = q * r + 1 / 3_628_800
    q = q * r + 1 / 362_880
    q = q * r + 1 / 40_320
    q = q * r + 1 / 5040
    q = q * r + 1 / 720
    q = q * r + 1 / 120
    q = q * r + 1 / 24
    q = q * r + 1 / 6
    q = q * r + 0.5
    let power = Double(bitPattern: (shifted.bitPattern &- rounder.bitPattern &+ 1023) &<< 52)
    let value = (1 + (r + r * r * q)) * power
    return x > 709 ? .infinity : x < -708 ? 0 : value
  }

  /// ln x. Error below 1 unit; NaN below 0.
  package static func log(_ x: Double) -> Double {
    guard x > 0, x < .infinity else { return x == 0 ? -.infinity : x > 0 ? x : .nan }
    guard x >= .leastNormalMagnitude else { return log(x * 0x1p54) - 54 * (ln2High + ln2Low) }
    // x = 2^n (1 + f) with 1 + f within sqrt(1/2) and sqrt(2). With s = f / (2 + f), ln(1 + f) = 2 artanh s
    // = f - s (f - t), t = 2 s^2 (1/3 + s^2 / 5 + ...); f^2 / 2 is split off, since it is the larger part of s f.
    let isUpper = x.significand > 0x1.6a09e667f3bcdp+0
    let (n, f) = (Double(x.exponent) + (isUpper ? 1 : 0), (isUpper ? x.significand / 2 : x.significand) - 1)
    let s = f / (2 + f)
    let z = s * s
    // The series to s^21: its remainder is below 2e-18 s.
    var t = 2 / 21.0
    t = t * z + 2 / 19
    t = t * z + 2 / 17
    t = t * z + 2 / 15
    t = t * z + 2 / 13
    t = t * z + 2 / 11
    t = t * z + 2 / 9
    t = t * z + 2 / 7
    t = t * z + 2 / 5
    t = t * z + 2 / 3
    let half = 0.5 * f * f
    return n * ln2High + (f - (half - (s * (half + t * z) + n * ln2Low)))
  }

  /// ln(1 + x) for x >= 0. Error below 2 units.
  package static func log1p(_ x: Double) -> Double {
    let sum = 1 + x
    // 1 + x was rounded. The lost part e = x - (sum - 1) is put back by ln(sum + e) = ln(sum) + e / sum, to first order.
    return sum == 1 || sum == .infinity ? x : log(sum) + (x - (sum - 1)) / sum
  }

  /// sin x for |x| below 2^20. Error below 1 unit.
  package static func sin(_ x: Double) -> Double {
    let (quarter, r) = quarterTurns(x)
    let value = quarter & 1 == 0 ? sineNear0(r) : cosineNear0(r)
    return quarter & 2 == 0 ? value : -value
  }

  /// cos x for |x| below 2^20. Error below 1 unit.
  package static func cos(_ x: Double) -> Double {
    let (quarter, r) = quarterTurns(x)
    let value = quarter & 1 == 0 ? cosineNear0(r) : sineNear0(r)
    return (quarter &+ 1) & 2 == 0 ? value : -value
  }

  private static var rounder: Double { 0x1.8p52 }
  /// ln 2 in two parts, the first with so few bits that a whole number of at most 11 bits times it is exact.
  private static var ln2High: Double { 0x1.62e42fee00000p-1 }
  private static var ln2Low: Double { 0x1.a39ef35793c76p-33 }
}

// MARK: Sine and cosine

extension PortableMath {
  /// x = n pi / 2 + (r.high + r.low) with |r.high| <= pi / 4.
  private static func quarterTurns(_ x: Double) -> (n: Int64, r: (high: Double, low: Double)) {
    let n = (x * 0x1.45f306dc9c883p-1 + rounder) - rounder
    // pi / 2 in three parts, of which n times the first two are exact.
    let first = x - n * 0x1.921fb54400000p+0
    let product = n * 0x1.0b4611a600000p-34
    let high = first - product
    let lost = (first - high) - product
    let rest = lost - n * 0x1.3198a2e037073p-69
    let sum = high + rest
    return (Int64(n), (sum, (high - sum) + rest))
  }

  private static func sineNear0(_ r: (high: Double, low: Double)) -> Double {
    let (x, z) = (r.high, r.high * r.high)
    // The Taylor series to x^17: its remainder is below 1e-19 x.
    var q = 1 / 355_687_428_096_000.0
    q = q * z - 1 / 1_307_674_368_000
    q = q * z + 1 / 6_227_020_800
    q = q * z - 1 / 39_916_800
    q = q * z + 1 / 362_880
    q = q * z - 1 / 5040
    q = q * z + 1 / 120
    q = q * z - 1 / 6
    return x + (x * z * q + r.low * (1 - 0.5 * z))
  }

  private static func cosineNear0(_ r: (high: Double, low: Double)) -> Double {
    let (x, z) = (r.high, r.high * r.high)
    // The Taylor series to x^16: its remainder is below 3e-18.
    var q = 1 / 20_922_789_888_000.0
    q = q * z - 1 / 87_178_291_200
    q = q * z + 1 / 479_001_600
    q = q * z - 1 / 3_628_800
    q = q * z + 1 / 40_320
    q = q * z - 1 / 720
    q = q * z + 1 / 24
    let half = 0.5 * z
    let first = 1 - half
    return first + (((1 - first) - half) + (z * z * q - x * r.low))
  }
}
