import Basics
import Kernels

extension Microkernel {
  static func add(count: Int) -> Microkernel {
    Microkernel(name: "add \(count)", work: count, bound: 1e-6) { (kernels) throws(Failure) in
      let (a, b, y) = (try floats("a", count), try floats("b", count), try FloatBuffer(count: count))
      return Prepared(
        run: { kernels.add(a.base, b.base, count: count, into: y.base) }, result: y,
        expected: { (0..<count).map { a[$0] + b[$0] } })
    }
  }

  static func channelMean(channels: Int, height: Int, width: Int) -> Microkernel {
    Microkernel(
      name: "channel mean \(height) x \(width) x \(channels)", work: height * width * channels, bound: 1e-6
    ) { (kernels) throws(Failure) in
      let (x, y) = (try floats("x", height * width * channels), try FloatBuffer(count: channels))
      let task = ChannelMean(x: x.base, height: height, width: width, channels: channels, y: y.base)
      return Prepared(
        run: {
          for first in stride(from: 0, to: channels, by: 72) {
            kernels.channelMean(task, channels: first..<min(first + 72, channels))
          }
        }, result: y,
        expected: {
          (0..<channels).map { channel in
            (0..<height * width).reduce(0) { $0 + x[$1 * channels + channel] } / Double(height * width)
          }
        })
    }
  }

  static func channelAffine(channels: Int, rows: Int) -> Microkernel {
    Microkernel(name: "channel affine \(rows) x \(channels)", work: rows * channels, bound: 1e-6) {
      (kernels) throws(Failure) in
      let (x, residual) = (try floats("x", rows * channels), try floats("r", rows * channels))
      let (scale, offset) = (try floats("s", channels), try floats("o", channels))
      let y = try FloatBuffer(count: rows * channels)
      let task = ChannelAffine(
        x: x.base, channels: channels, scale: scale.base, offset: offset.base, residual: residual.base, y: y.base)
      return Prepared(
        run: { kernels.channelAffine(task, rows: 0..<rows) }, result: y,
        expected: {
          (0..<rows * channels).map { place in
            let channel = place % channels
            return x[place] * scale[channel] + offset[channel] + residual[place]
          }
        })
    }
  }

  /// Means far from zero show whether the variance is that of the differences.
  static func rowNorm(channels: Int, rows: Int) -> Microkernel {
    Microkernel(name: "row norm \(rows) x \(channels)", work: rows * channels, bound: 1e-4) {
      (kernels) throws(Failure) in
      let (x, y) = (try floats("x", rows * channels), try FloatBuffer(count: rows * channels))
      for i in 0..<x.count { x.base[i] += 100 }
      let (weight, bias) = (try floats("w", channels), try floats("b", channels))
      let task = RowNorm(
        x: x.base, channels: channels, weight: weight.base, bias: bias.base, epsilon: 1e-6, y: y.base)
      return Prepared(
        run: { kernels.rowNorm(task, rows: 0..<rows) }, result: y,
        expected: {
          (0..<rows).flatMap { row in
            let values = (0..<channels).map { x[row * channels + $0] }
            let mean = values.reduce(0, +) / Double(channels)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
            return values.indices.map {
              (values[$0] - mean) / (variance + 1e-6).squareRoot() * weight[$0] + bias[$0]
            }
          }
        })
    }
  }

  /// The second row lies where e^x would overflow, the third where it would vanish.
  static func softmax(count: Int, rows: Int) -> Microkernel {
    Microkernel(name: "softmax \(rows) x \(count)", work: rows * count, bound: 1e-6) { (kernels) throws(Failure) in
      let (x, y) = (try floats("x", rows * count), try FloatBuffer(count: rows * count))
      for i in 0..<x.count { x.base[i] = 5 * x.base[i] + [0, 200, -200][i / count % 3] }
      return Prepared(
        run: {
          y.copy(from: x)
          kernels.softmax(y.base, rows: rows, count: count)
        }, result: y,
        expected: {
          (0..<rows).flatMap { row in
            let powers = (0..<count).map { exp(x[row * count + $0] - x[row * count]) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
          }
        })
    }
  }
}
