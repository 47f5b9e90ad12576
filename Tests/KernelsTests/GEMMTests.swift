import Basics
import Support
import Testing

@testable import Kernels
@testable import Layers

/// That threads may share a matrix product. That it is right is for ``MicrokernelTests``.
@Suite struct GEMMTests {
  private struct Case {
    let rows, taps, depth, outputs: Int
    let x, weights, bias, residual: [Float]
    let offsets: [Int32]
    let packed: PackedMatrix

    init(rows: Int, taps: Int, depth: Int, outputs: Int, for shape: GEMMShape) throws {
      (self.rows, self.taps, self.depth, self.outputs) = (rows, taps, depth, outputs)
      x = Generated.unit("px", count: (rows + 4) * depth).map { Float($0) }
      let weights = Generated.unit("pw", count: outputs * taps * depth).map { Float($0) }
      self.weights = weights
      bias = Generated.unit("pb", count: shape.paddedOutputs(outputs)).map { Float($0) }
      residual = Generated.unit("pr", count: rows * outputs).map { Float($0) }
      // Any run of x may be any tap; every fifth is beyond the border.
      offsets = (0..<rows * taps).map { $0 % 5 == 4 ? -1 : Int32($0 * 7 % (rows + 4) * depth) }
      packed = try PackedMatrix(
        outputs: outputs, inputs: taps * depth, for: shape, rows: weightRows(weights, length: taps * depth))
    }

    func run(
      _ kernels: any GEMMKernels, isIndirect: Bool, rows part: Range<Int>, panels: Range<Int>, into y: inout [Float]
    ) {
      let zeros = [Float](repeating: 0, count: depth)
      x.withUnsafeBufferPointer { x in
        bias.withUnsafeBufferPointer { bias in
          residual.withUnsafeBufferPointer { residual in
            zeros.withUnsafeBufferPointer { zeros in
              offsets.withUnsafeBufferPointer { offsets in
                y.withUnsafeMutableBufferPointer { y in
                  guard let x = x.baseAddress, let bias = bias.baseAddress, let y = y.baseAddress,
                    let zeros = zeros.baseAddress
                  else { return }
                  let task = GEMM(
                    packed.shape, rows: rows, x: x, xStride: depth, offsets: isIndirect ? offsets.baseAddress : nil,
                    taps: isIndirect ? taps : 1, depth: depth, zeros: zeros, panels: packed.base, outputs: outputs,
                    bias: .shared(bias), residual: residual.baseAddress, activation: .relu, y: y, yStride: outputs)
                  kernels.gemm(task, rows: part, panels: panels)
                }
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: variants)
  func anyDivisionOfTheWorkGivesTheSameBits(_ build: Build) throws {
    let kernels = try build.kernels
    let test = try Case(rows: 61, taps: 9, depth: 24, outputs: 72, for: kernels.gemmShape)
    var whole = [Float](repeating: .nan, count: 61 * 72)
    test.run(kernels, isIndirect: true, rows: 0..<61, panels: 0..<5, into: &whole)
    for cut in [1, 6, 8, 25, 60] {
      var parts = [Float](repeating: .nan, count: 61 * 72)
      for rows in [0..<cut, cut..<61] {
        for panels in [0..<2, 2..<5] {
          test.run(kernels, isIndirect: true, rows: rows, panels: panels, into: &parts)
        }
      }
      #expect(parts == whole)
    }
  }

  /// Nothing is added with one rounding.
  @Test(arguments: quantizedVariants) func exactProductsHaveTheBaselinesBits(_ build: Build) throws {
    func product(_ kernels: any GEMMKernels) throws -> [Float] {
      let test = try Case(rows: 61, taps: 9, depth: 24, outputs: 72, for: kernels.gemmShape)
      var y = [Float](repeating: .nan, count: 61 * 72)
      test.run(kernels, isIndirect: true, rows: 0..<61, panels: 0..<5, into: &y)
      return y
    }
    #expect(try product(build.exactKernels) == product(KernelBuild.baseline.exactKernels))
  }

  @Test(arguments: quantizedVariants) func exactFlowsHaveTheBaselinesBits(_ build: Build) throws {
    func values(_ kernels: any ExactKernels) throws -> [Float] {
      let (rows, channels) = (5, 37)
      let values = try FloatBuffer(count: rows * channels)
      for (i, value) in Generated.unit("pe", count: values.count).enumerated() { values.base[i] = Float(4 * value) }
      let norms = try FloatBuffer(count: rows)
      let affine = GlobalAffine(
        u: values.base, scale: values.base + 3, offset: values.base + 5, channels: channels, stride: channels)
      kernels.squaredNorms(affine, rows: 0..<rows, into: norms.base)
      kernels.exp(values.base, count: values.count / 2)
      kernels.tanh(values.base + values.count / 2, count: values.count - values.count / 2)
      return (0..<rows).map { norms.base[$0] } + (0..<values.count).map { values.base[$0] }
    }
    #expect(try values(build.exactKernels) == values(KernelBuild.baseline.exactKernels))
  }
}
