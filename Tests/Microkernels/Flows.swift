import Basics
import Kernels

extension Microkernel {
  /// Rows of x lie apart; what is between them must stay.
  static func coupling(width: Int, rows: Int) -> Microkernel {
    let (stride, alpha) = (width + 2, 1.9)
    // In units of e^j, up to alpha.
    return Microkernel(name: "coupling \(rows) x \(width)", work: rows * width, bound: 2e-5) {
      (kernels) throws(Failure) in
      let (coefficients, x) = (try floats("c", rows * 2 * width), try floats("x", rows * stride))
      for i in 0..<coefficients.count { coefficients.base[i] *= 3 }
      // The logarithms of determinants behind the rows.
      let y = try FloatBuffer(count: rows * stride + rows)
      let task = Coupling(
        coefficients: coefficients.base, coefficientStride: 2 * width, alpha: Float(alpha), x2: y.base, stride: stride,
        width: width,
        logDeterminants: y.base + rows * stride)
      func j(_ row: Int, _ i: Int) -> Double { alpha * tanh(coefficients[row * 2 * width + i]) }
      return Prepared(
        run: {
          y.base.update(from: x.base, count: x.count)
          for row in 0..<rows { y.base[x.count + row] = Float(row) }
          kernels.coupling(task, rows: 0..<rows)
        }, result: y,
        expected: {
          (0..<rows * stride).map { place in
            let (row, i) = place.quotientAndRemainder(dividingBy: stride)
            return i < width ? x[place] * exp(j(row, i)) + coefficients[row * 2 * width + width + i] : x[place]
          } + (0..<rows).map { row in (0..<width).reduce(Double(row)) { $0 + j(row, $1) } }
        })
    }
  }

  static func squaredNorms(channels: Int, rows: Int) -> Microkernel {
    Microkernel(
      name: "squared norms \(rows) x \(channels)", work: rows * channels, bound: 1e-6 * Double(4 * channels)
    ) { (kernels) throws(Failure) in
      let u = try floats("u", rows * channels)
      let (scale, offset, y) = (
        try floats("s", channels), try floats("o", channels), try FloatBuffer(count: rows)
      )
      let task = GlobalAffine(
        u: u.base, scale: scale.base, offset: offset.base, channels: channels, stride: channels)
      return Prepared(
        run: { kernels.squaredNorms(task, rows: 0..<rows, into: y.base) }, result: y,
        expected: {
          (0..<rows).map { row in
            (0..<channels).reduce(0) { $0 + pow(u[row * channels + $1] * scale[$1] + offset[$1], 2) }
          }
        })
    }
  }
}
