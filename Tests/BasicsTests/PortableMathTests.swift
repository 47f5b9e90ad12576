import Basics
import Foundation
import Testing

/// Against extended precision, whose last place is 2^-11 of that of double precision.
@Suite struct PortableMathTests {
  private static func expectUnits(
    _ bound: Double, of arguments: [Double], _ function: (Double) -> Double, _ exact: (Float80) -> Float80
  ) {
    for x in arguments {
      let expected = exact(Float80(x))
      let error = abs(Float80(function(x)) - expected) / Float80(Double(expected).ulp)
      guard error < Float80(bound) else {
        Issue.record("\(function(x)) for \(x), \(error) units from \(expected)")
        return
      }
    }
  }

  /// Evenly spread, with some that are no round numbers.
  private static func range(_ low: Double, _ high: Double) -> [Double] {
    (0...20_000).map { low + (high - low) * (Double($0) / 20_000) }
  }

  @Test func exponentialIsWithinAUnit() {
    Self.expectUnits(1, of: Self.range(-708, 709) + Self.range(-1, 1), PortableMath.exp) { expl($0) }
    #expect([0, -0.0].map(PortableMath.exp) == [1, 1])
    #expect([-708.1, -1e300, -.infinity].map(PortableMath.exp) == [0, 0, 0])
    #expect([709.1, 1e300, .infinity].map(PortableMath.exp) == [.infinity, .infinity, .infinity])
    #expect(PortableMath.exp(.nan).isNaN)
  }

  @Test func logarithmIsWithinAUnit() {
    let powers = Self.range(-740, 709).map { Foundation.exp($0) }
    Self.expectUnits(1, of: powers + Self.range(0.5, 2), PortableMath.log) { logl($0) }
    #expect([0, 1, .infinity].map(PortableMath.log) == [-.infinity, 0, .infinity])
    for x in [-1, -Double.infinity, .nan] { #expect(PortableMath.log(x).isNaN) }
  }

  @Test func logarithmOfOnePlusIsWithinTwoUnits() {
    let powers = Self.range(-700, 700).map { Foundation.exp($0) }
    Self.expectUnits(2, of: powers + Self.range(0, 3), PortableMath.log1p) { log1pl($0) }
    #expect([0, .infinity].map(PortableMath.log1p) == [0, .infinity])
  }

  @Test func sineAndCosineAreWithinAUnit() {
    // Multiples of a quarter turn leave the least of an angle.
    let quarters = (0...20_000).map { Double($0) * .pi / 2 }
    let angles = quarters + Self.range(-10, 10) + Self.range(-0x1p20, 0x1p20)
    Self.expectUnits(1, of: angles, PortableMath.sin) { sinl($0) }
    Self.expectUnits(1, of: angles, PortableMath.cos) { cosl($0) }
    #expect(PortableMath.sin(0) == 0 && PortableMath.cos(0) == 1)
  }
}
