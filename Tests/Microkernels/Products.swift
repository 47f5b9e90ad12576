import Basics
import Kernels

extension Microkernel {
  /// With a bias, a residual and a relu. With taps, runs lie anywhere in x, and every fifth is beyond the border.
  static func gemm(rows: Int, taps: Int, depth: Int, outputs: Int, isScaled: Bool = true) -> Microkernel {
    Microkernel(
      name: "gemm \(rows) x \(taps) x \(depth) x \(outputs)", work: rows * taps * depth * outputs,
      bound: 2e-6 * Double(taps * depth).squareRoot() + 1e-6
    ) { (kernels) throws(Failure) in
      let shape = kernels.gemmShape
      let length = taps * depth
      let padded = shape.paddedOutputs(outputs)
      let x = try floats("x", (rows + 4) * depth)
      let (panels, residual) = (try floats("w", padded * length), try floats("r", rows * outputs))
      let (scale, bias) = (try floats("s", padded), try floats("b", padded))
      let (y, zeros) = (try FloatBuffer(count: rows * outputs), try FloatBuffer(count: depth))
      let offsets = try Buffer<Int32>(count: rows * taps)
      for i in 0..<offsets.count { offsets.base[i] = i % 5 == 4 ? -1 : Int32(i * 7 % (rows + 4) * depth) }
      let task = GEMM(
        shape, rows: rows, x: x.base, xStride: depth, offsets: taps > 1 ? UnsafePointer(offsets.base) : nil, taps: taps,
        depth: depth, zeros: zeros.base, panels: panels.base, outputs: outputs,
        scale: isScaled ? UnsafePointer(scale.base) : nil, bias: .shared(bias.base),
        residual: UnsafePointer(residual.base), activation: .relu, y: y.base, yStride: outputs)
      return Prepared(
        run: { kernels.gemm(task, rows: 0..<rows, panels: 0..<shape.panelCount(outputs)) }, result: y,
        expected: {
          // What the task points to lives as long as this.
          _ = (zeros, panels)
          return (0..<rows * outputs).map { place in
            let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
            let first = output / shape.panelWidth * shape.panelWidth
            let width = shape.width(ofPanelAt: first, outputs: outputs)
            var sum = 0.0
            for tap in 0..<taps {
              let start = taps > 1 ? Int(offsets.base[row * taps + tap]) : row * depth
              guard start >= 0 else { continue }
              for k in 0..<depth {
                sum += x[start + k] * panels[first * length + (tap * depth + k) * width + output - first]
              }
            }
            return max(sum * (isScaled ? scale[output] : 1) + bias[output] + residual[place], 0)
          }
        })
    }
  }

  /// A row of x is longer than its triangle: what lies behind must stay.
  static func triangularProduct(size: Int, rows: Int) -> Microkernel {
    let (stride, triangle) = (size + 5, size * (size + 1) / 2)
    return Microkernel(
      name: "triangular product \(rows) x \(size)", work: rows * triangle, bound: 2e-6 * Double(size).squareRoot()
    ) { (kernels) throws(Failure) in
      let packed = TriangularProduct.matrixCount(size: size)
      let (weights, matrices) = (try floats("w", rows * triangle), try Buffer<Int16>(count: rows * packed))
      let (x, y) = (try floats("x", rows * stride), try FloatBuffer(count: rows * stride))
      for row in 0..<rows {
        TriangularProduct.round(weights.base + row * triangle, size: size)
        TriangularProduct.pack(weights.base + row * triangle, size: size, into: matrices.base + row * packed)
      }
      return Prepared(
        run: {
          y.copy(from: x)
          kernels.triangularProduct(
            TriangularProduct(matrices: matrices.base, size: size, x: y.base, stride: stride), rows: 0..<rows)
        }, result: y,
        expected: { products(of: x, stride: stride, size: size) { place, _ in weights[place] } })
    }
  }

  /// The same with weights of 8 bits, and scales that are no powers of two.
  static func byteTriangularProduct(size: Int, rows: Int) -> Microkernel {
    let (stride, triangle) = (size + 5, size * (size + 1) / 2)
    return Microkernel(
      name: "triangular product of bytes \(rows) x \(size)", work: rows * triangle,
      bound: 2e-6 * Double(size).squareRoot()
    ) { (kernels) throws(Failure) in
      let packed = ByteTriangularProduct.matrixCount(size: size)
      let (weights, matrices) = (try integers("w", rows * triangle, limit: 127), try Buffer<Int8>(count: rows * packed))
      let (x, y) = (try floats("x", rows * stride), try FloatBuffer(count: rows * stride))
      let scales = try floats("s", rows * size)
      let words = try Buffer<Int16>(count: triangle)
      for i in 0..<scales.count { scales.base[i] /= 100 }
      for row in 0..<rows {
        for i in 0..<triangle { words.base[i] = Int16(weights.base[row * triangle + i]) }
        ByteTriangularProduct.pack(
          words.base, scales: scales.base + row * size, size: size, into: matrices.base + row * packed)
      }
      return Prepared(
        run: {
          y.copy(from: x)
          kernels.byteTriangularProduct(
            ByteTriangularProduct(matrices: matrices.base, size: size, x: y.base, stride: stride), rows: 0..<rows)
        }, result: y,
        expected: {
          products(of: x, stride: stride, size: size) { place, row in Double(weights.base[place]) * scales[row] }
        })
    }
  }

  /// Products with the rows of triangles that lie one behind the other. What is behind the `size` values of a row stays.
  ///
  /// - Parameter weight: a weight by its place among all of them, and by the number of its row among those of all triangles.
  private static func products(
    of x: FloatBuffer, stride: Int, size: Int, weight: (_ place: Int, _ row: Int) -> Double
  ) -> [Double] {
    (0..<x.count).map { place in
      let (row, i) = place.quotientAndRemainder(dividingBy: stride)
      guard i < size else { return x[place] }
      let start = row * (size * (size + 1) / 2) + i * (i + 1) / 2
      return (0...i).reduce(0) { $0 + weight(start + $1, row * size + i) * x[row * stride + $1] }
    }
  }
}
