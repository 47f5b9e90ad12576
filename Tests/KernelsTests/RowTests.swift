import Basics
import Foundation
import Support
import Testing

@testable import Kernels

/// Kernels over channels and rows of every build, on whole and ragged vectors.
@Suite struct RowTests {
  private func floats(_ name: String, _ count: Int) throws -> ConstantFloats {
    try ConstantFloats(Generated.unit(name, count: count).map { Float($0) })
  }

  @Test(arguments: variants, [5, 8, 40, 75])
  func meansOfChannels(_ build: Build, channels: Int) throws {
    let kernels = try build.kernels
    let grid = Grid(height: 9, width: 7, channels: channels)
    let x = try floats("means", grid.count)
    let y = try FloatBuffer(count: channels)
    for first in stride(from: 0, to: channels, by: 32) {
      kernels.channelMean(
        ChannelMean(x: x.base, grid: grid, y: y.base), channels: first..<min(first + 32, channels))
    }
    for channel in 0..<channels {
      let sum = (0..<grid.positions).reduce(0.0) { $0 + Double(x.base[$1 * channels + channel]) }
      expectClose(y.base[channel], sum / Double(grid.positions), within: 1e-6)
    }
  }

  @Test(arguments: variants, [3, 8, 21])
  func affineOfChannels(_ build: Build, channels: Int) throws {
    let kernels = try build.kernels
    let rows = 5
    let x = try floats("x", rows * channels)
    let residual = try floats("r", rows * channels)
    let (scale, offset) = (try floats("s", channels), try floats("o", channels))
    let y = try FloatBuffer(count: rows * channels)
    for isWhole in [true, false] {
      kernels.channelAffine(
        ChannelAffine(
          x: x.base, channels: channels, scale: scale.base, offset: isWhole ? offset.base : nil,
          residual: isWhole ? residual.base : nil, y: y.base), rows: 1..<rows)
      #expect(y.base[0] == 0)
      for i in channels..<rows * channels {
        let channel = i % channels
        var expected = Double(x.base[i]) * Double(scale.base[channel])
        if isWhole { expected += Double(offset.base[channel]) + Double(residual.base[i]) }
        expectClose(y.base[i], expected, within: 1e-6)
      }
    }
  }

  @Test(arguments: variants, [3, 16, 45])
  func norms(_ build: Build, channels: Int) throws {
    let kernels = try build.kernels
    let rows = 4
    // A mean far from zero shows whether the variance is that of the differences.
    let x = try ConstantFloats(Generated.unit("norm", count: rows * channels).map { Float(100 + $0) })
    let (weight, bias) = (try floats("w", channels), try floats("b", channels))
    let y = try FloatBuffer(count: rows * channels)
    kernels.rowNorm(
      RowNorm(x: x.base, channels: channels, weight: weight.base, bias: bias.base, epsilon: 1e-6, y: y.base),
      rows: 0..<rows)
    for row in 0..<rows {
      let values = (0..<channels).map { Double(x.base[row * channels + $0]) }
      let mean = values.reduce(0, +) / Double(channels)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      for channel in 0..<channels {
        let expected =
          (values[channel] - mean) / (variance + 1e-6).squareRoot() * Double(weight.base[channel])
          + Double(bias.base[channel])
        expectClose(y.base[row * channels + channel], expected, within: 1e-4)
      }
    }
  }

  @Test(arguments: variants, [1, 8, 29])
  func softmaxes(_ build: Build, count: Int) throws {
    let kernels = try build.kernels
    let rows = 3
    // The second row lies where e^x would overflow, the third where it would vanish.
    let x = Generated.unit("softmax", count: rows * count).enumerated().map { i, value in
      Float(5 * value + [0, 200, -200][i / count])
    }
    var y = x
    kernels.softmax(&y, rows: rows, count: count)
    for row in 0..<rows {
      let exponentials = (0..<count).map { Foundation.exp(Double(x[row * count + $0]) - Double(x[row * count])) }
      let sum = exponentials.reduce(0, +)
      expectClose(y[row * count..<(row + 1) * count], exponentials.map { $0 / sum }, within: 1e-6)
    }
  }
}
