import Basics
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

/// Kernels against the plain sums in double precision, on ragged shapes.
@Suite struct ConvolutionTests {
  private func floats(_ name: String, _ count: Int) -> [Float] { Generated.unit(name, count: count).map { Float($0) } }

  @Test(arguments: [
    SlidingWindow(kernel: 1), SlidingWindow(kernel: 1, stride: 2), SlidingWindow(kernel: 3, padding: .zeros),
    SlidingWindow(kernel: 3, stride: 2, padding: .reflect), SlidingWindow(kernel: 5, stride: 2, padding: .same),
    SlidingWindow(kernel: 7, stride: 2, padding: .reflect), SlidingWindow(kernel: 5, stride: 4),
  ])
  func convolutionsEqualPlainSums(window: SlidingWindow) throws {
    try check(window, Grid(height: 21, width: 17, channels: 5))
    try check(window, Grid(height: 21, width: 17, channels: 19))
    // The odd zero of "SAME" is at the end of these.
    if window.padding == .same { try check(window, Grid(height: 22, width: 16, channels: 5)) }
  }

  private func check(_ window: SlidingWindow, _ input: Grid) throws {
    let kernel = window.kernel
    let outputs = 21
    let x = floats("x", input.count)
    let weights = floats("w\(kernel)", outputs * input.channels * kernel * kernel).map { $0 / 4 }
    let (scale, bias) = (floats("s", outputs).map { 1 + $0 / 2 }, floats("b", outputs))
    let convolution = try Convolution(
      ConvolutionShape(inputs: input.channels, outputs: outputs, window: window),
      weights: weightRows(weights, length: input.channels * kernel * kernel),
      epilogue: Epilogue(scale: scale, bias: bias, activation: .relu6))
    let plan = try convolution.plan(input)
    let residual = floats("r", plan.output.count)
    var y = [Float](repeating: .nan, count: plan.output.count)
    let workers = try Workers(count: 3)
    try convolution.run(x, plan, residual: residual, into: &y, workers: workers)

    let depthwise = try DepthwiseConvolution(
      ConvolutionShape(inputs: input.channels, outputs: input.channels, groups: input.channels, window: window),
      weights: weightRows(weights, length: kernel * kernel),
      epilogue: Epilogue(
        scale: Array(scale[..<input.channels]), bias: Array(bias[..<input.channels]), activation: .relu))
    let depthwisePlan = try depthwise.plan(input)
    var z = [Float](repeating: .nan, count: depthwisePlan.output.count)
    try depthwise.run(x, depthwisePlan, into: &z, workers: workers)

    var (expected, expectedDepthwise): ([Double], [Double]) = ([], [])
    for row in 0..<plan.output.height {
      for column in 0..<plan.output.width {
        let position = row * plan.output.width + column
        func taps(_ body: (_ tap: Int, _ position: Int) -> Void) {
          for ky in 0..<kernel {
            for kx in 0..<kernel {
              guard let sy = window.source(of: row, tap: ky, length: input.height),
                let sx = window.source(of: column, tap: kx, length: input.width)
              else { continue }
              body(ky * kernel + kx, sy * input.width + sx)
            }
          }
        }
        for output in 0..<outputs {
          var sum = 0.0
          taps { tap, place in
            for channel in 0..<input.channels {
              sum +=
                Double(weights[(output * input.channels + channel) * kernel * kernel + tap])
                * Double(x[place * input.channels + channel])
            }
          }
          sum = sum * Double(scale[output]) + Double(bias[output]) + Double(residual[position * outputs + output])
          expected.append(min(max(sum, 0), 6))
        }
        for channel in 0..<input.channels {
          var sum = 0.0
          taps { tap, place in
            sum += Double(weights[channel * kernel * kernel + tap]) * Double(x[place * input.channels + channel])
          }
          expectedDepthwise.append(max(sum * Double(scale[channel]) + Double(bias[channel]), 0))
        }
      }
    }
    expectClose(y, expected, within: 1e-5)
    expectClose(z, expectedDepthwise, within: 1e-5, "depthwise")
  }

  @Test func maximaIgnoreTheBorder() throws {
    let input = Grid(height: 5, width: 4, channels: 3)
    let x = floats("pool", input.count).map { $0 - 5 }
    let pooling = MaxPooling(SlidingWindow(kernel: 3, stride: 2, padding: .zeros))
    let plan = try pooling.plan(input)
    #expect(plan.output == Grid(height: 3, width: 2, channels: 3))
    var y = [Float](repeating: .nan, count: plan.output.count)
    try pooling.run(x, plan, into: &y, workers: Workers(count: 2))
    for row in 0..<3 {
      for column in 0..<2 {
        for channel in 0..<3 {
          var expected = -Float.infinity
          for sy in max(2 * row - 1, 0)...min(2 * row + 1, 4) {
            for sx in max(2 * column - 1, 0)...min(2 * column + 1, 3) {
              expected = max(expected, x[(sy * 4 + sx) * 3 + channel])
            }
          }
          #expect(y[(row * 2 + column) * 3 + channel] == expected)
        }
      }
    }
  }

  @Test func tensorFlowPaddingHasTheOddZeroLast() {
    #expect(SlidingWindow(kernel: 3, stride: 2, padding: .same).margins(128) == (0, 1))
    #expect(SlidingWindow(kernel: 3, stride: 2, padding: .same).margins(127) == (1, 1))
    #expect(SlidingWindow(kernel: 5, stride: 1, padding: .same).margins(10) == (2, 2))
    #expect(SlidingWindow(kernel: 1, stride: 2, padding: .same).margins(10) == (0, 0))
  }

  @Test func aWindowWithoutPaddingReachesBothEnds() throws {
    let patches = SlidingWindow(kernel: 4, stride: 4)
    #expect(try patches.axes(Grid(height: 8, width: 12, channels: 1)).columns.outputLength == 3)
    for (height, width) in [(8, 13), (7, 12), (3, 4)] {
      let failure = #expect(throws: Failure.self) { try patches.axes(Grid(height: height, width: width, channels: 1)) }
      #expect(failure?.kind == .invalidArgument)
    }
  }

  @Test func linearMapsAddTheGridsBias() throws {
    let (rows, width, inputs, outputs) = (600, 7, 9, 13)
    let x = floats("lx", rows * inputs)
    let weights = floats("lw", outputs * inputs)
    let padded = Kernels.gemmShape.paddedOutputs(outputs)
    let rowBias = floats("lr", (rows / width + 2) * padded)
    let columnBias = floats("lc", width * padded)
    let linear = try Linear(outputs: outputs, inputs: inputs, rows: weightRows(weights, length: inputs))
    var y = [Float](repeating: .nan, count: rows * outputs)
    rowBias.withUnsafeBufferPointer { rowBias in
      columnBias.withUnsafeBufferPointer { columnBias in
        guard let r = rowBias.baseAddress, let c = columnBias.baseAddress else { return }
        linear.apply(
          x, xStride: inputs, count: rows, bias: RowBias(rows: r, columns: c, width: width, first: 3),
          activation: .relu,
          into: &y, yStride: outputs)
      }
    }
    var expected: [Double] = []
    for row in 0..<rows {
      for output in 0..<outputs {
        var sum = Double(rowBias[(row + 3) / width * padded + output])
        sum += Double(columnBias[(row + 3) % width * padded + output])
        for i in 0..<inputs { sum += Double(weights[output * inputs + i]) * Double(x[row * inputs + i]) }
        expected.append(max(sum, 0))
      }
    }
    expectClose(y, expected, within: 1e-5)
  }
}
