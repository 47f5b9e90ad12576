import Foundation
import Support
import Testing

@testable import Kernels

/// The smaller kernels of every build against plain sums in double precision, on widths that do and do not fill vectors.
@Suite struct VariantTests {
  private func floats(_ name: String, _ count: Int) -> [Float] { Generated.unit(name, count: count).map { Float($0) } }

  /// A map, its windows and what they read: mirrored rows, zeros beyond the left and right.
  private struct Windows {
    let kernel, stride, channels: Int
    let width = 14
    let rows: WindowAxis
    let columns: WindowAxis
    let x: [Float]

    init(kernel: Int, stride: Int, channels: Int, x: [Float]) throws {
      (self.kernel, self.stride, self.channels, self.x) = (kernel, stride, channels, x)
      let margin = kernel / 2
      rows = try WindowAxis(length: 11, kernel: kernel, stride: stride, border: .reflect(margin: margin))
      columns = try WindowAxis(
        length: width, kernel: kernel, stride: stride, border: .zeros(before: margin, after: margin))
    }

    var count: Int { rows.outputLength * columns.outputLength * channels }

    /// Calls the body with the windows' description.
    func run(into y: inout [Float], _ body: (Window) -> Void) {
      x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { y in
          guard let x = x.baseAddress, let y = y.baseAddress else { return }
          body(
            Window(
              x: x, inputWidth: width, channels: channels, kernel: kernel, stride: stride,
              rowSources: rows.sources.base, columnSources: columns.sources.base, interior: columns.interior,
              outputWidth: columns.outputLength, y: y))
        }
      }
    }

    /// The taps of an output and where they are in the map.
    func taps(_ output: Int) -> [(tap: Int, input: Int)] {
      let (position, channel) = (output / channels, output % channels)
      let (row, column) = (position / columns.outputLength, position % columns.outputLength)
      return (0..<kernel * kernel).compactMap { tap in
        let y = rows.sources.base[row * kernel + tap / kernel]
        let x = columns.sources.base[column * kernel + tap % kernel]
        return y < 0 || x < 0 ? nil : (tap, (y * width + x) * channels + channel)
      }
    }
  }

  @Test(arguments: variants, [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2), (7, 2)])
  func depthwiseConvolutionsEqualPlainSums(_ build: Build, shape: (kernel: Int, stride: Int)) throws {
    let kernels = try build.kernels
    for channels in [1, 7, 8, 9, 16, 23, 24, 40] {
      let windows = try Windows(
        kernel: shape.kernel, stride: shape.stride, channels: channels, x: floats("dx", 11 * 14 * channels))
      let weights = floats("dw", shape.kernel * shape.kernel * channels)
      let (scale, bias) = (try ConstantFloats(floats("ds", channels)), floats("db", channels))
      for activation in [Activation.relu6, .hardSigmoid] {
        var y = [Float](repeating: .nan, count: windows.count)
        windows.run(into: &y) { window in
          weights.withUnsafeBufferPointer { weights in
            bias.withUnsafeBufferPointer { bias in
              guard let weights = weights.baseAddress, let bias = bias.baseAddress else { return }
              let task = Depthwise(
                window: window, weights: weights, scale: scale.base, bias: bias, activation: activation)
              for part in [0..<2, 2..<windows.rows.outputLength] { kernels.depthwise(task, outputRows: part) }
            }
          }
        }
        let expected = y.indices.map { output in
          let channel = output % channels
          let taps = windows.taps(output).reduce(0.0) {
            $0 + Double(weights[$1.tap * channels + channel]) * Double(windows.x[$1.input])
          }
          let sum = taps * Double(scale.base[channel]) + Double(bias[channel])
          return activation == .relu6 ? min(max(sum, 0), 6) : min(max(sum + 3, 0), 6) / 6
        }
        expectClose(y, expected, within: 4e-6, "\(channels) channels")
      }
    }
  }

  @Test(arguments: variants, [1, 8, 19])
  func maximaAreThoseOfTheWindowAndCarryNaN(_ build: Build, channels: Int) throws {
    let kernels = try build.kernels
    var x = floats("mx", 11 * 14 * channels).map { $0 - 5 }
    x[(5 * 14 + 6) * channels] = .nan
    let windows = try Windows(kernel: 3, stride: 2, channels: channels, x: x)
    var y = [Float](repeating: 0, count: windows.count)
    windows.run(into: &y) { window in
      for part in [0..<3, 3..<windows.rows.outputLength] { kernels.maximum(window, outputRows: part) }
    }
    var seen = 0
    for output in y.indices {
      let values = windows.taps(output).map { x[$0.input] }
      if values.contains(where: { $0.isNaN }) {
        seen += 1
        #expect(y[output].isNaN)
      } else {
        #expect(y[output] == values.max())
      }
    }
    #expect(seen > 0)
  }

  @Test(arguments: variants, [1, 5, 8, 20, 31])
  func couplingsEqualTheFormula(_ build: Build, width: Int) throws {
    let kernels = try build.kernels
    let (rows, stride, alpha) = (3, width + 2, 1.9)
    let coefficients = floats("cc", rows * 2 * width).map { 3 * $0 }
    let before = floats("cx", rows * stride)
    var x = before
    var sums: [Float] = [1, 2, 3]
    coefficients.withUnsafeBufferPointer { coefficients in
      x.withUnsafeMutableBufferPointer { x in
        sums.withUnsafeMutableBufferPointer { sums in
          guard let coefficients = coefficients.baseAddress, let x = x.baseAddress, let sums = sums.baseAddress else {
            return
          }
          let task = Coupling(
            coefficients: coefficients, alpha: Float(alpha), x2: x, stride: stride, width: width,
            logDeterminants: sums)
          kernels.coupling(task, rows: 0..<rows)
        }
      }
    }
    for row in 0..<rows {
      var sum = Double(row + 1)
      for i in 0..<width {
        let s = Double(coefficients[row * 2 * width + i])
        let t = Double(coefficients[row * 2 * width + width + i])
        let j = alpha * tanh(s)
        sum += j
        let expected = Double(before[row * stride + i]) * exp(j) + t
        expectClose(x[row * stride + i], expected, within: 2e-6 * max(abs(expected), 1))
      }
      expectClose(sums[row], sum, within: 1e-5)
      // What lies between the rows is nobody's.
      #expect(x[row * stride + width] == before[row * stride + width])
    }
  }

  @Test(arguments: variants, [1, 8, 13, 40])
  func smallKernelsEqualTheirFormulas(_ build: Build, count: Int) throws {
    let kernels = try build.kernels
    let (a, b, offset) = (floats("ea", count), floats("eb", count), floats("eo", count))
    var sum = [Float](repeating: .nan, count: count)
    kernels.add(a, b, count: count, into: &sum)
    #expect(sum == zip(a, b).map { $0 + $1 })

    var norm: Float = .nan
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        offset.withUnsafeBufferPointer { offset in
          guard let a = a.baseAddress, let b = b.baseAddress, let offset = offset.baseAddress else { return }
          let task = GlobalAffine(u: a, scale: b, offset: offset, channels: count, stride: count)
          kernels.squaredNorms(task, rows: 0..<1, into: &norm)
        }
      }
    }
    let expected = (0..<count).reduce(0.0) { $0 + pow(Double(a[$1]) * Double(b[$1]) + Double(offset[$1]), 2) }
    expectClose(norm, expected, within: 1e-5 * max(expected, 1))
  }
}
