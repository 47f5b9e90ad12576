import Basics
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

/// The convolution over pixels beside plain sums of integers.
@Suite struct QuantizedFirstLayerTests {
  private static let border: [UInt8] = [10, 200, 255]

  private static func bytes(_ name: String, _ count: Int) -> [UInt8] {
    Generated.unit(name, count: count).map { UInt8(127.5 + 127.5 * $0) }
  }

  /// Weights of 16 bits with the largest ones among them, unless their sums would have more than 32 bits.
  private static func weights(outputs: Int, length: Int) -> [Int16] {
    let limit = min(32_639, 8_000_000 / length)
    var weights = Generated.unit("weights", count: outputs * length).map { Int16(Double(limit) * $0) }
    for output in 0..<outputs {
      weights[output * length] = Int16(output % 2 == 0 ? limit : -limit)
      weights[(output + 1) * length - 1] = Int16(output % 3 == 0 ? limit : -limit)
    }
    return weights
  }

  @Test(arguments: [
    SlidingWindow(kernel: 1), SlidingWindow(kernel: 3, padding: .zeros),
    SlidingWindow(kernel: 3, stride: 2, padding: .same),
    SlidingWindow(kernel: 3, stride: 2, padding: .reflect), SlidingWindow(kernel: 7, stride: 2, padding: .zeros),
    SlidingWindow(kernel: 7, stride: 2, padding: .reflect), SlidingWindow(kernel: 7, padding: .reflect),
    SlidingWindow(kernel: 16, stride: 16), SlidingWindow(kernel: 14, stride: 14),
  ])
  func sumsAreExact(window: SlidingWindow) throws {
    let (outputs, taps) = (17, window.taps)
    let isPatch = window.padding == nil
    let (height, width) = isPatch ? (2 * window.kernel, 3 * window.kernel) : (22, 33)
    let (pixels, weights) = (Self.bytes("pixels", height * width * 3), Self.weights(outputs: outputs, length: 3 * taps))
    let layer = try PixelConvolution(
      ConvolutionShape(inputs: 3, outputs: outputs, window: window),
      weights: { range, rows in
        for (i, place) in (range.lowerBound * 3 * taps..<range.upperBound * 3 * taps).enumerated() {
          rows[i] = weights[place]
        }
      },
      border: Self.border.map { Float($0) },
      output: QuantizedOutput(
        multiplier: [Float](repeating: 1, count: outputs), offset: [Float](repeating: 0, count: outputs), output: nil))
    let plan = try layer.plan(Grid(height: height, width: width, channels: 3))

    var expected: [Float] = []
    for position in 0..<plan.output.positions {
      let (row, column) = position.quotientAndRemainder(dividingBy: plan.output.width)
      for output in 0..<outputs {
        var sum = 0
        for tap in 0..<taps {
          let y = window.source(of: row, tap: tap / window.kernel, length: height)
          let x = window.source(of: column, tap: tap % window.kernel, length: width)
          for channel in 0..<3 {
            let pixel = if let y, let x { pixels[(y * width + x) * 3 + channel] } else { Self.border[channel] }
            sum += Int(pixel) * Int(weights[(output * 3 + channel) * taps + tap])
          }
        }
        expected.append(Float(sum))
      }
    }

    // What lies in the memory before, and behind the map, changes nothing.
    for filling: UInt8 in [0, 255] {
      for threads in [1, 3] {
        let workers = try Workers(count: threads)
        let scratch = try FloatBuffer(count: (plan.scratchBytes(workers: threads) + 3) / 4)
        UnsafeMutableRawPointer(scratch.base).initializeMemory(
          as: UInt8.self, repeating: filling, count: scratch.byteCount)
        var values = [Float](repeating: .nan, count: expected.count)
        values.withUnsafeMutableBufferPointer { values in
          pixels.withUnsafeBufferPointer { pixels in
            guard let output = values.baseAddress, let input = pixels.baseAddress else { return }
            layer.run(
              plan, LayerMemory(input: input, second: nil, output: output, scratch: scratch.base, workers: workers))
          }
        }
        #expect(values == expected)
      }
    }
  }
}
