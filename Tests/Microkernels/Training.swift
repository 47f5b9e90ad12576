import Basics
import Kernels

/// The kernels of training. All results lie one behind the other; what is between the rows of a gradient must stay.
extension Microkernel {
  private static var rows: Int { 5 }

  /// The sum of a column over the rows; 0 behind the columns.
  private static func sums(_ stride: Int, columns: Int, _ value: (Int) -> Double) -> [Double] {
    (0..<stride).map { column in
      column < columns ? (0..<rows).reduce(0) { $0 + value($1 * stride + column) } : 0
    }
  }

  /// A kernel that changes a gradient in place, whose results begin with it, and otherwise as zeros.
  private static func inPlace(
    _ gradient: FloatBuffer, _ y: FloatBuffer, _ kernel: @escaping () -> Void
  ) -> () -> Void {
    {
      y.base.update(repeating: 0, count: y.count)
      y.base.update(from: gradient.base, count: gradient.count)
      kernel()
    }
  }

  static func reluGradient(columns: Int) -> Microkernel {
    let stride = columns + 8
    return Microkernel(name: "relu gradient \(rows) x \(columns)", work: rows * columns, bound: 2e-6) {
      (kernels) throws(Failure) in
      let (d, values) = (try floats("d", rows * stride), try floats("v", rows * stride))
      let places = [try Buffer<Int32>(count: rows), try Buffer<Int32>(count: rows)]
      for row in 0..<rows {
        places[0].base[row] = Int32(row % 3)
        places[1].base[row] = Int32(row / 3)
      }
      // The gradient, its sums, and those by place of three and two places.
      let y = try FloatBuffer(count: (rows + 1 + 3 + 2) * stride)
      let total = y.base + rows * stride
      let task = ReluGradient(
        gradient: y.base, stride: stride, values: values.base, valueStride: stride, sum: total,
        firstPlaces: PlaceSums(sums: total + stride, indices: places[0].base),
        secondPlaces: PlaceSums(sums: total + 4 * stride, indices: places[1].base))
      func gradient(_ i: Int) -> Double { values[i] > 0 ? d[i] : 0 }
      func placeSums(_ places: Buffer<Int32>, _ place: Int32) -> [Double] {
        sums(stride, columns: columns) { places.base[$0 / stride] == place ? gradient($0) : 0 }
      }
      return Prepared(
        run: inPlace(d, y) { kernels.reluGradient(task, rows: rows, columns: columns) }, result: y,
        expected: {
          let gradients = (0..<rows * stride).map { $0 % stride < columns ? gradient($0) : d[$0] }
          return gradients + sums(stride, columns: columns, gradient)
            + (0..<3).flatMap { placeSums(places[0], $0) } + (0..<2).flatMap { placeSums(places[1], $0) }
        })
    }
  }

  static func affineGradient(columns: Int) -> Microkernel {
    let stride = columns + 8
    return Microkernel(name: "affine gradient \(rows) x \(columns)", work: rows * columns, bound: 2e-6) {
      (kernels) throws(Failure) in
      let (d, u, gain) = (try floats("d", rows * stride), try floats("u", rows * stride), try floats("g", stride))
      let y = try FloatBuffer(count: (rows + 2) * stride)
      let task = AffineGradient(
        gradient: y.base, stride: stride, u: u.base, uStride: stride, gain: gain.base,
        gainGradient: y.base + rows * stride, offsetGradient: y.base + (rows + 1) * stride)
      return Prepared(
        run: inPlace(d, y) { kernels.affineGradient(task, rows: rows, columns: columns) }, result: y,
        expected: {
          (0..<rows * stride).map { $0 % stride < columns ? d[$0] * gain[$0 % stride] : d[$0] }
            + sums(stride, columns: columns) { d[$0] * u[$0] } + sums(stride, columns: columns) { d[$0] }
        })
    }
  }

  static func couplingGradient(columns: Int) -> Microkernel {
    let stride = columns + 8
    return Microkernel(name: "coupling gradient \(rows) x \(columns)", work: rows * columns, bound: 2e-6) {
      (kernels) throws(Failure) in
      let (d, x2) = (try floats("d", rows * stride), try floats("x", rows * stride))
      let (tanh, power) = (try floats("t", rows * stride), try floats("e", rows * stride))
      let lossGradient = try floats("r", rows)
      // The gradient, those of s and t, and the sums of these.
      let y = try FloatBuffer(count: (3 * rows + 2) * stride)
      let part = rows * stride
      let task = CouplingGradient(
        gradient: y.base, x2: x2.base, stride: stride, tanh: tanh.base, exponential: power.base, keptStride: stride,
        lossGradient: lossGradient.base, scale: y.base + part, shift: y.base + 2 * part, outputStride: stride,
        scaleSum: y.base + 3 * part, shiftSum: y.base + (3 * part + stride), scaleFactor: 0.19, shiftFactor: 0.1)
      func scale(_ i: Int) -> Double {
        0.19 * (d[i] * power[i] * x2[i] + lossGradient[i / stride]) * (1 - tanh[i] * tanh[i])
      }
      return Prepared(
        run: inPlace(d, y) { kernels.couplingGradient(task, rows: rows, columns: columns) }, result: y,
        expected: {
          let places = 0..<part
          func within(_ value: (Int) -> Double, else rest: (Int) -> Double = { _ in 0 }) -> [Double] {
            places.map { $0 % stride < columns ? value($0) : rest($0) }
          }
          return within({ d[$0] * power[$0] }, else: { d[$0] }) + within(scale) + within({ 0.1 * d[$0] })
            + sums(stride, columns: columns, scale) + sums(stride, columns: columns) { 0.1 * d[$0] }
        })
    }
  }

  static func adam(count: Int) -> Microkernel {
    Microkernel(name: "adam \(count)", work: count, bound: 1e-5) { (kernels) throws(Failure) in
      let (p, g, m) = (try floats("p", count), try floats("g", count), try floats("m", count))
      // Parameters, first and second moments.
      let y = try FloatBuffer(count: 3 * count)
      let task = AdamStep(
        parameters: y.base, gradient: g.base, firstMoments: y.base + count, secondMoments: y.base + 2 * count,
        count: count, rate: 0.1, secondMomentRate: 1.5)
      func first(_ i: Int) -> Double { 0.9 * m[i] + 0.1 * g[i] }
      func second(_ i: Int) -> Double { 0.999 * m[i] * m[i] + 0.001 * g[i] * g[i] }
      return Prepared(
        run: {
          y.base.update(from: p.base, count: count)
          (y.base + count).update(from: m.base, count: count)
          for i in 0..<count { y.base[2 * count + i] = m.base[i] * m.base[i] }
          kernels.adam(task)
        }, result: y,
        expected: {
          (0..<count).map { p[$0] - 0.1 * first($0) / (second($0).squareRoot() * 1.5 + 1e-8) }
            + (0..<count).map(first) + (0..<count).map(second)
        })
    }
  }
}
