import Foundation
import Support
import Testing

@testable import Kernels

/// The smaller kernels of every build against plain sums in double precision, on widths that do and do not fill vectors.
@Suite struct VariantTests {
  private func floats(_ name: String, _ count: Int) -> [Float] { Generated.unit(name, count: count).map { Float($0) } }

  @Test(arguments: variants, [1, 7, 8, 9, 16, 23, 24, 40])
  func depthwiseConvolutionsEqualPlainSums(_ build: Build, channels: Int) {
    let (height, width, kernel) = (6, 5, 3)
    let x = floats("dx", height * width * channels)
    let weights = floats("dw", kernel * kernel * channels)
    let bias = floats("db", channels)
    // Zeros beyond the border above and to the right; a mirrored row below.
    let rows = (0..<height).flatMap { y in (0..<kernel).map { y + $0 - 1 == height ? height - 2 : y + $0 - 1 } }
    let columns = (0..<width).flatMap { x in (0..<kernel).map { x + $0 - 1 == width ? -1 : x + $0 - 1 } }
    var y = [Float](repeating: .nan, count: x.count)
    x.withUnsafeBufferPointer { x in
      weights.withUnsafeBufferPointer { weights in
        bias.withUnsafeBufferPointer { bias in
          rows.withUnsafeBufferPointer { rows in
            columns.withUnsafeBufferPointer { columns in
              y.withUnsafeMutableBufferPointer { y in
                guard let x = x.baseAddress, let weights = weights.baseAddress, let bias = bias.baseAddress,
                  let rows = rows.baseAddress, let columns = columns.baseAddress, let y = y.baseAddress
                else { return }
                let task = Depthwise(
                  x: x, inputWidth: width, channels: channels, kernel: kernel, rowSources: rows,
                  columnSources: columns, outputHeight: height, outputWidth: width, weights: weights, bias: bias,
                  activation: .relu6, y: y)
                for part in [0..<2, 2..<height] { build.kernels.depthwise(task, outputRows: part) }
              }
            }
          }
        }
      }
    }
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          var sum = Double(bias[channel])
          for tap in 0..<kernel * kernel {
            let (sy, sx) = (rows[row * kernel + tap / kernel], columns[column * kernel + tap % kernel])
            guard sy >= 0, sx >= 0 else { continue }
            sum += Double(weights[tap * channels + channel]) * Double(x[(sy * width + sx) * channels + channel])
          }
          let error = abs(Double(y[(row * width + column) * channels + channel]) - min(max(sum, 0), 6))
          #expect(error < 2e-6)
        }
      }
    }
  }

  @Test(arguments: variants, [1, 5, 8, 20, 31])
  func couplingsEqualTheFormula(_ build: Build, width: Int) {
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
          build.kernels.coupling(task, rows: 0..<rows)
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
        #expect(abs(Double(x[row * stride + i]) - expected) < 2e-6 * max(abs(expected), 1))
      }
      #expect(abs(Double(sums[row]) - sum) < 1e-5)
      // What lies between the rows is nobody's.
      #expect(x[row * stride + width] == before[row * stride + width])
    }
  }

  @Test(arguments: variants, [1, 8, 13, 40])
  func smallKernelsEqualTheirFormulas(_ build: Build, count: Int) {
    let (a, b, offset) = (floats("ea", count), floats("eb", count), floats("eo", count))
    var sum = [Float](repeating: .nan, count: count)
    build.kernels.add(a, b, count: count, into: &sum)
    #expect(sum == zip(a, b).map { $0 + $1 })
    var largest = a
    build.kernels.maximum(&largest, b, count: count)
    #expect(largest == zip(a, b).map { max($0, $1) })

    var norm: Float = .nan
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        offset.withUnsafeBufferPointer { offset in
          guard let a = a.baseAddress, let b = b.baseAddress, let offset = offset.baseAddress else { return }
          let task = GlobalAffine(u: a, scale: b, offset: offset, channels: count)
          build.kernels.squaredNorms(task, rows: 0..<1, into: &norm)
        }
      }
    }
    let expected = (0..<count).reduce(0.0) { $0 + pow(Double(a[$1]) * Double(b[$1]) + Double(offset[$1]), 2) }
    #expect(abs(Double(norm) - expected) < 1e-5 * max(expected, 1))
  }
}
