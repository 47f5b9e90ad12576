import KernelTasks
import Support
import Testing

@testable import Kernels

/// Products with lower triangles in every build against plain sums in double precision.
@Suite struct TriangularProductTests {
  @Test(arguments: variants, [1, 2, 7, 8, 9, 16, 23, 40, 65, 112])
  func productsEqualPlainSums(_ build: Build, size: Int) throws {
    let kernels = try build.kernels
    let (rows, stride) = (3, size + 5)
    let triangle = size * (size + 1) / 2
    let weights = Generated.unit("triangle/\(size)", count: rows * triangle).map { Float($0) }
    let x = Generated.unit("triangle/x/\(size)", count: rows * stride).map { Float($0) }
    let packedCount = TriangularProduct.matrixCount(size: size)
    var packed = [Float](repeating: 0, count: rows * packedCount)
    for row in 0..<rows {
      weights.withUnsafeBufferPointer { weights in
        packed.withUnsafeMutableBufferPointer { packed in
          guard let source = weights.baseAddress, let target = packed.baseAddress else { return }
          TriangularProduct.pack(source + row * triangle, size: size, into: target + row * packedCount)
        }
      }
    }
    var y = x
    packed.withUnsafeBufferPointer { packed in
      y.withUnsafeMutableBufferPointer { y in
        guard let packed = packed.baseAddress, let y = y.baseAddress else { return }
        kernels.triangularProduct(
          TriangularProduct(matrices: packed, size: size, x: y, stride: stride), rows: 0..<rows)
      }
    }
    for row in 0..<rows {
      for i in 0..<stride {
        guard i < size else {
          #expect(y[row * stride + i] == x[row * stride + i], "what lies behind the triangle stays")
          continue
        }
        let start = row * triangle + i * (i + 1) / 2
        let expected = (0...i).reduce(0.0) { $0 + Double(weights[start + $1]) * Double(x[row * stride + $1]) }
        expectClose(y[row * stride + i], expected, within: 2e-6 * Double(size).squareRoot(), "row \(row), value \(i)")
      }
    }
  }
}
