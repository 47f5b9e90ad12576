import Basics
import Support
import Testing

@testable import Kernels

/// Every build's products against plain sums in double precision, on ragged shapes.
@Suite struct ProductTests {
  private struct Case {
    let rows, taps, depth, outputs: Int
    let x, weights, bias, residual: [Float]
    let offsets: [Int32]
    let packed: PackedWeights

    init(rows: Int, taps: Int, depth: Int, outputs: Int) throws {
      (self.rows, self.taps, self.depth, self.outputs) = (rows, taps, depth, outputs)
      x = Generated.unit("px", count: (rows + 4) * depth).map { Float($0) }
      let weights = Generated.unit("pw", count: outputs * taps * depth).map { Float($0) }
      self.weights = weights
      bias = Generated.unit("pb", count: Product.paddedOutputs(outputs)).map { Float($0) }
      residual = Generated.unit("pr", count: rows * outputs).map { Float($0) }
      // Any run of x may be any tap; every fifth is beyond the border.
      offsets = (0..<rows * taps).map { $0 % 5 == 4 ? -1 : Int32($0 * 7 % (rows + 4) * depth) }
      packed = try PackedWeights(
        outputs: outputs, inputs: taps * depth, rows: weightRows(weights, length: taps * depth))
    }

    func run(
      _ kernels: any KernelTable, isIndirect: Bool, rows part: Range<Int>, panels: Range<Int>, into y: inout [Float]
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
                  let product = Product(
                    rows: rows, x: x, xStride: depth, offsets: isIndirect ? offsets.baseAddress : nil,
                    taps: isIndirect ? taps : 1, depth: depth, zeros: zeros, panels: packed.base, outputs: outputs,
                    bias: .shared(bias), residual: residual.baseAddress, activation: .relu, y: y, yStride: outputs)
                  kernels.product(product, rows: part, panels: panels)
                }
              }
            }
          }
        }
      }
    }

    func expected(row: Int, output: Int, isIndirect: Bool) -> Double {
      var sum = Double(bias[output]) + Double(residual[row * outputs + output])
      for tap in 0..<taps {
        let start = isIndirect ? Int(offsets[row * taps + tap]) : row * depth
        guard start >= 0 else { continue }
        for k in 0..<depth {
          sum += Double(x[start + k]) * Double(weights[(output * taps + tap) * depth + k])
        }
      }
      return max(sum, 0)
    }
  }

  @Test(arguments: variants)
  func productsEqualPlainSums(_ build: Build) throws {
    let kernels = try build.kernels
    for (rows, taps, depth, outputs) in [
      (1, 1, 1, 1), (5, 1, 7, 8), (6, 1, 16, 9), (7, 1, 33, 16), (13, 1, 64, 17), (12, 1, 3, 24), (200, 1, 700, 40),
      (31, 9, 20, 25), (6, 4, 16, 7), (50, 49, 2, 16), (8, 1, 5, 32), (16, 2, 9, 48), (20, 1, 12, 56), (64, 1, 8, 57),
      (4, 1, 11, 64), (3, 1, 6, 32), (28, 9, 5, 33),
    ] {
      let test = try Case(rows: rows, taps: taps, depth: depth, outputs: outputs)
      for isIndirect in taps > 1 ? [true] : [false, true] {
        var y = [Float](repeating: .nan, count: rows * outputs)
        test.run(kernels, isIndirect: isIndirect, rows: 0..<rows, panels: 0..<test.packed.panelCount, into: &y)
        let expected = (0..<rows * outputs).map {
          test.expected(row: $0 / outputs, output: $0 % outputs, isIndirect: isIndirect)
        }
        expectClose(
          y, expected, within: 2e-6 * Double(taps * depth).squareRoot() + 1e-6,
          "\(rows) \(taps) \(depth) \(outputs)")
      }
    }
  }

  @Test(arguments: variants)
  func anyDivisionOfTheWorkGivesTheSameBits(_ build: Build) throws {
    let kernels = try build.kernels
    let test = try Case(rows: 61, taps: 9, depth: 24, outputs: 72)
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
}
