import Basics
import Kernels

/// The kernels of training. All results lie one behind the other; what is between the rows of a gradient must stay.
extension Microkernel {
  private static var rows: Int { 5 }

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
      let sums = y.base + rows * stride
      let task = ReluGradient(
        gradient: y.base, stride: stride, values: values.base, valueStride: stride, sum: sums,
        firstPlaces: PlaceSums(sums: sums + stride, indices: places[0].base),
        secondPlaces: PlaceSums(sums: sums + 4 * stride, indices: places[1].base))
      func gradient(_ row: Int, _ i: Int) -> Double { values[row * stride + i] > 0 ? d[row * stride + i] : 0 }
      func sum(_ i: Int, where isCounted: (Int) -> Bool) -> Double {
        i < columns ? (0..<rows).filter(isCounted).reduce(0) { $0 + gradient($1, i) } : 0
      }
      return Prepared(
        run: {
          y.base.update(repeating: 0, count: y.count)
          y.base.update(from: d.base, count: d.count)
          kernels.reluGradient(task, rows: rows, columns: columns)
        }, result: y,
        expected: {
          let line = 0..<stride
          let gradients = (0..<rows).flatMap { row in
            line.map { $0 < columns ? gradient(row, $0) : d[row * stride + $0] }
          }
          return gradients + line.map { sum($0) { _ in true } }
            + (0..<3).flatMap { place in line.map { sum($0) { places[0].base[$0] == place } } }
            + (0..<2).flatMap { place in line.map { sum($0) { places[1].base[$0] == place } } }
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
      func sum(_ i: Int, _ value: (Int) -> Double) -> Double {
        i < columns ? (0..<rows).reduce(0) { $0 + value($1 * stride + i) } : 0
      }
      return Prepared(
        run: {
          y.base.update(repeating: 0, count: y.count)
          y.base.update(from: d.base, count: d.count)
          kernels.affineGradient(task, rows: rows, columns: columns)
        }, result: y,
        expected: {
          (0..<rows * stride).map { $0 % stride < columns ? d[$0] * gain[$0 % stride] : d[$0] }
            + (0..<stride).map { sum($0) { d[$0] * u[$0] } } + (0..<stride).map { sum($0) { d[$0] } }
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
      func sum(_ i: Int, _ value: (Int) -> Double) -> Double {
        i < columns ? (0..<rows).reduce(0) { $0 + value($1 * stride + i) } : 0
      }
      return Prepared(
        run: {
          y.base.update(repeating: 0, count: y.count)
          y.base.update(from: d.base, count: d.count)
          kernels.couplingGradient(task, rows: rows, columns: columns)
        }, result: y,
        expected: {
          let places = 0..<part
          func within(_ value: (Int) -> Double, else rest: (Int) -> Double = { _ in 0 }) -> [Double] {
            places.map { $0 % stride < columns ? value($0) : rest($0) }
          }
          return within({ d[$0] * power[$0] }, else: { d[$0] }) + within(scale) + within({ 0.1 * d[$0] })
            + (0..<stride).map { sum($0, scale) } + (0..<stride).map { sum($0) { 0.1 * d[$0] } }
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
