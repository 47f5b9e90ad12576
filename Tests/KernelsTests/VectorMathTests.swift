import Foundation
import Support
import Testing

@Suite struct VectorMathTests {
  private typealias Function = (UnsafeMutablePointer<Float>, Int) -> Void

  /// Expects every `step`-th float of a range and its negatives within some units in the last place.
  private func expectUnits(
    _ bound: Double, upTo limit: Float, step: UInt32, _ function: Function, _ exact: (Double) -> Double
  ) {
    var (values, expected): ([Double], [Double]) = ([], [])
    for bits in stride(from: UInt32(0), to: limit.bitPattern, by: Int(step)) {
      for sign: Float in [1, -1] {
        let x = sign * Float(bitPattern: bits)
        var value = [x]
        function(&value, 1)
        let unit = Double(Float(exact(Double(x))).ulp)
        values.append(Double(value[0]) / unit)
        expected.append(exact(Double(x)) / unit)
      }
    }
    expectClose(values, expected, within: bound)
  }

  @Test(arguments: variants)
  func errorBoundsHold(_ build: Build) throws {
    let kernels = try build.kernels
    expectUnits(2, upTo: 87, step: 10_007, { kernels.exp($0, count: $1) }, Foundation.exp)
    expectUnits(4, upTo: 20, step: 10_007, { kernels.tanh($0, count: $1) }, Foundation.tanh)
  }

  @Test(arguments: variants)
  func limitsAreKept(_ build: Build) throws {
    let kernels = try build.kernels
    var x: [Float] = [.infinity, -.infinity, 1000, -1000, 0, -0.0, .nan]
    kernels.tanh(&x, count: x.count)
    #expect(x[..<6] == [1, -1, 1, -1, 0, 0])
    #expect(x[6].isNaN)
    var y: [Float] = [1000, -1000, 0, .nan]
    kernels.exp(&y, count: y.count)
    #expect(y[0].isFinite && y[0] > 1e37)
    #expect(y[1] > 0 && y[1] < 1e-37)
    #expect(y[2] == 1 && y[3].isNaN)
  }

  @Test(arguments: variants)
  func everyCountGivesWhatOneValueGives(_ build: Build) throws {
    let kernels = try build.kernels
    let x = (0..<37).map { Float($0) * 0.3 - 5 }
    for count in 0..<x.count {
      var many = x
      kernels.tanh(&many, count: count)
      for i in x.indices {
        var one = [x[i]]
        kernels.tanh(&one, count: 1)
        #expect(many[i] == (i < count ? one[0] : x[i]))
      }
    }
  }
}
