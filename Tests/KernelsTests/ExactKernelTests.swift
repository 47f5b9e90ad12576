import Basics
import Support
import Testing

@testable import Kernels

/// The kernels of float32 that 8-bit detectors use: products are added with one rounding on every build, by emulation where the
/// processor has no instruction for it.
@Suite struct ExactKernelTests {
  /// Numbers of all sizes, subnormal ones among them.
  private static func numbers(_ count: Int, seed: UInt64, exponents: ClosedRange<Double>) -> [Float] {
    var random = Random(seed: seed, purpose: "exact")
    return (0..<count).map { _ in
      let size = Float(sign: .plus, exponent: Int(random.uniform(in: exponents)), significand: 1)
      return size * Float(random.uniform(in: -2...2))
    }
  }

  @Test(arguments: KernelBuild.allCases) func productsAreAddedWithOneRounding(_ build: KernelBuild) throws {
    guard build.isAvailable else { try Test.cancel("this processor lacks the instructions of \(build)") }
    let count = 40_000
    for exponents in [-3.0...3.0, -140.0...60.0] {
      let u = Self.numbers(count, seed: 0, exponents: exponents)
      let scale = Self.numbers(count, seed: 1, exponents: exponents)
      var offset = Self.numbers(count, seed: 2, exponents: exponents)
      // Sums of which little or nothing is left, and halves between two numbers.
      for i in stride(from: 0, to: count, by: 2) { offset[i] = -u[i] * scale[i] }
      for i in stride(from: 0, to: count, by: 6) { offset[i] = offset[i].nextUp }
      var norms = [Float](repeating: 0, count: 1)
      var wrong = 0
      for i in 0..<count {
        withUnsafePointer(to: u[i]) { u in
          withUnsafePointer(to: scale[i]) { scale in
            withUnsafePointer(to: offset[i]) { offset in
              build.exactKernels.squaredNorms(
                GlobalAffine(u: u, scale: scale, offset: offset, channels: 1, stride: 1), rows: 0..<1, into: &norms)
            }
          }
        }
        let z = offset[i].addingProduct(u[i], scale[i])
        if norms[0].bitPattern != Float(0).addingProduct(z, z).bitPattern, !z.isNaN { wrong += 1 }
      }
      #expect(wrong == 0, "exponents within \(exponents)")
    }
  }

  /// What goes through many sums and products in a row.
  @Test(arguments: KernelBuild.allCases) func elementaryFunctionsAreTheBaselines(_ build: KernelBuild) throws {
    guard build.isAvailable else { try Test.cancel("this processor lacks the instructions of \(build)") }
    for (name, function) in [
      ("exp", { $0.exp($1, count: $2) }), ("tanh", { $0.tanh($1, count: $2) }),
    ] as [(String, (any ExactKernels, UnsafeMutablePointer<Float>, Int) -> Void)] {
      var values = Self.numbers(20_000, seed: 3, exponents: -12...7)
      var expected = values
      function(build.exactKernels, &values, values.count)
      function(KernelBuild.baseline.exactKernels, &expected, expected.count)
      #expect(values == expected && Set(values).count > 10_000, "\(name)")
    }
  }
}
