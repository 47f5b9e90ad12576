import Basics
import Kernels

/// The transforms of F(4x4, 3x3) at the points 0, p, -p, q, -q and infinity, against their matrices.
extension Microkernel {
  private static let (p, q) = (0.625, 1.5)

  /// B^T.
  private static let inputMatrix: [[Double]] = {
    let (p2, q2) = (p * p, q * q)
    return [
      [p2 * q2, 0, -(p2 + q2), 0, 1, 0], [0, -p * q2, -q2, p, 1, 0], [0, p * q2, -q2, -p, 1, 0],
      [0, -q * p2, -p2, q, 1, 0], [0, q * p2, -p2, -q, 1, 0], [0, p2 * q2, 0, -(p2 + q2), 0, 1],
    ]
  }()

  /// A^T.
  private static let outputMatrix: [[Double]] = (0..<4).map { power in
    let powers = [p, q].map { base in (0..<power).reduce(1.0) { value, _ in value * base } }
    let sign = power % 2 == 0 ? 1.0 : -1.0
    return [power == 0 ? 1 : 0, powers[0], sign * powers[0], powers[1], sign * powers[1], power == 3 ? 1 : 0]
  }

  static func winogradInput(channels: Int, height: Int, width: Int) -> Microkernel {
    let (tileRows, tileColumns) = ((height + 3) / 4, (width + 3) / 4)
    let tiles = tileRows * tileColumns
    return Microkernel(
      name: "winograd input \(height) x \(width) x \(channels)", work: 36 * tiles * channels, bound: 2e-5
    ) { (kernels) throws(Failure) in
      let x = try floats("x", height * width * channels)
      let (zeros, y) = (try FloatBuffer(count: channels), try FloatBuffer(count: 36 * tiles * channels))
      func sources(_ tiles: Int, _ length: Int) throws(Failure) -> Buffer<Int> {
        let sources = try Buffer<Int>(count: 6 * tiles)
        for i in 0..<sources.count {
          let place = 4 * (i / 6) + i % 6 - 1
          sources.base[i] = (0..<length).contains(place) ? place : -1
        }
        return sources
      }
      let (rows, columns) = (try sources(tileRows, height), try sources(tileColumns, width))
      let task = WinogradInput(
        x: x.base, width: width, channels: channels, rowSources: rows.base, columnSources: columns.base,
        zeros: zeros.base, tileColumns: tileColumns, firstTile: 0, transformed: y.base, matrixStride: tiles * channels)
      return Prepared(
        run: { kernels.winogradInput(task, tiles: 0..<tiles) }, result: y,
        expected: {
          // What the task points to lives as long as this.
          _ = zeros
          return (0..<y.count).map { index in
            let (place, tile, channel) = (
              index / channels / tiles, index / channels % tiles, index % channels
            )
            var sum = 0.0
            for i in 0..<36 {
              let row = rows.base[tile / tileColumns * 6 + i / 6]
              let column = columns.base[tile % tileColumns * 6 + i % 6]
              guard row >= 0, column >= 0 else { continue }
              sum +=
                inputMatrix[place / 6][i / 6] * inputMatrix[place % 6][i % 6]
                * x[(row * width + column) * channels + channel]
            }
            return sum
          }
        })
    }
  }

  /// With a scale, a bias, a residual and a relu.
  static func winogradOutput(channels: Int, height: Int, width: Int) -> Microkernel {
    let tileColumns = (width + 3) / 4
    let tiles = (height + 3) / 4 * tileColumns
    return Microkernel(
      name: "winograd output \(height) x \(width) x \(channels)", work: 36 * tiles * channels, bound: 1e-4
    ) { (kernels) throws(Failure) in
      let (products, scratch) = (try floats("p", 36 * tiles * channels), try FloatBuffer(count: 36 * tiles * channels))
      let (scale, bias) = (try floats("s", channels), try floats("b", channels))
      let (residual, y) = (
        try floats("r", height * width * channels), try FloatBuffer(count: height * width * channels)
      )
      let task = WinogradOutput(
        products: scratch.base, matrixStride: tiles * channels, firstTile: 0, tileColumns: tileColumns, height: height,
        width: width, channels: channels, scale: scale.base, bias: bias.base, residual: residual.base,
        activation: .relu, y: y.base)
      return Prepared(
        run: {
          scratch.copy(from: products)
          kernels.winogradOutput(task, tiles: 0..<tiles)
        }, result: y,
        expected: {
          (0..<y.count).map { index in
            let (row, column, channel) = (
              index / channels / width, index / channels % width, index % channels
            )
            let tile = row / 4 * tileColumns + column / 4
            let sum = (0..<36).reduce(0.0) {
              $0 + outputMatrix[row % 4][$1 / 6] * outputMatrix[column % 4][$1 % 6]
                * products[($1 * tiles + tile) * channels + channel]
            }
            return max(sum * scale[channel] + bias[channel] + residual[index], 0)
          }
        })
    }
  }
}
