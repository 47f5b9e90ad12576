import Basics
import Foundation
import Support
import Testing

@testable import Kernels

/// Activations at the end of a matrix product by 1, against their formulas in double precision.
@Suite struct ActivationTests {
  static let formulas: [(activation: Activation, error: Double, formula: @Sendable (Double) -> Double)] = [
    (.identity, 0, { $0 }),
    (.relu, 0, { max($0, 0) }),
    (.relu6, 0, { min(max($0, 0), 6) }),
    (.sigmoid, 2e-7, { 1 / (1 + Foundation.exp(-$0)) }),
    (.silu, 2e-7, { $0 / (1 + Foundation.exp(-$0)) }),
    (.hardSigmoid, 2e-7, { min(max($0 + 3, 0), 6) / 6 }),
    (.hardSwish, 2e-7, { $0 * min(max($0 + 3, 0), 6) / 6 }),
    (.gelu, 2e-7, { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }),
  ]

  @Test(arguments: variants, formulas.indices)
  func errorBoundsHold(_ build: Build, index: Int) throws {
    let kernels = try build.kernels
    let (activation, bound, formula) = Self.formulas[index]
    // Fine near zero, and up to where every exponential is clamped.
    let x = try SharedFloats((-40_000...40_000).map { Float($0) / 2500 } + [-200, -90, -20, 20, 90, 200])
    let y = try FloatBuffer(count: x.count)
    let panel = try SharedFloats([1], paddedCount: 8)
    let zeros = try SharedFloats(count: 8) { _ in }
    let task = GEMM(
      kernels.gemmShape, rows: x.count, x: x.base, xStride: 1, depth: 1, zeros: zeros.base, panels: panel.base,
      outputs: 1, bias: .shared(zeros.base), activation: activation, y: y.base, yStride: 1)
    kernels.gemm(task, rows: 0..<x.count, panels: 0..<1)
    // Errors grow with the argument where the function does.
    let scales = (0..<x.count).map { max(1, abs(Double(x.base[$0]))) }
    expectClose(
      (0..<x.count).map { Double(y.base[$0]) / scales[$0] },
      (0..<x.count).map { formula(Double(x.base[$0])) / scales[$0] },
      within: bound)
  }
}
