import Foundation
import Testing

@testable import Kernels

@Suite struct VectorMathTests {
  private typealias Function = (UnsafeMutablePointer<Float>, Int) -> Void

  /// The largest error over every `step`-th float of a range and its negatives, in units in the last place.
  private func worst(
    upTo limit: Float, step: UInt32, _ function: Function, _ exact: (Double) -> Double
  ) -> Double {
    var worst = 0.0
    for bits in stride(from: UInt32(0), to: limit.bitPattern, by: Int(step)) {
      for sign: Float in [1, -1] {
        let x = sign * Float(bitPattern: bits)
        var values = [x]
        function(&values, 1)
        let expected = exact(Double(x))
        let unit = Double(Float(expected).ulp)
        worst = max(worst, abs(Double(values[0]) - expected) / unit)
      }
    }
    return worst
  }

  @Test(arguments: variants)
  func errorBoundsHold(_ build: Build) {
    #expect(worst(upTo: 87, step: 10_007, { build.kernels.exp($0, count: $1) }, Foundation.exp) < 2)
    #expect(worst(upTo: 20, step: 10_007, { build.kernels.tanh($0, count: $1) }, Foundation.tanh) < 4)
  }

  @Test(arguments: variants)
  func limitsAreKept(_ build: Build) {
    var x: [Float] = [.infinity, -.infinity, 1000, -1000, 0, -0.0, .nan]
    build.kernels.tanh(&x, count: x.count)
    #expect(x[..<6] == [1, -1, 1, -1, 0, 0])
    #expect(x[6].isNaN)
    var y: [Float] = [1000, -1000, 0, .nan]
    build.kernels.exp(&y, count: y.count)
    #expect(y[0].isFinite && y[0] > 1e37)
    #expect(y[1] > 0 && y[1] < 1e-37)
    #expect(y[2] == 1 && y[3].isNaN)
  }

  @Test(arguments: variants)
  func everyCountGivesWhatOneValueGives(_ build: Build) {
    let x = (0..<37).map { Float($0) * 0.3 - 5 }
    for count in 0..<x.count {
      var many = x
      build.kernels.tanh(&many, count: count)
      for i in x.indices {
        var one = [x[i]]
        build.kernels.tanh(&one, count: 1)
        #expect(many[i] == (i < count ? one[0] : x[i]))
      }
    }
  }
}
