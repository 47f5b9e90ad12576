import Basics
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

/// How much sums lose in float32, where their length or a large bias would make it much: PyTorch's own error on the same
/// sums, or less. Tests of other suites would not see three times as much.
@Suite struct AccuracyTests {
  /// From 0 up to 1, as features behind a ReLU are.
  private func positive(_ name: String, _ count: Int) -> [Float] {
    Generated.unit(name, count: count).map { Float(0.5 + 0.5 * $0) }
  }

  /// Rows of x by a panel of weights of the same value range, on a bias, each divided by its exact value.
  private func ratios(_ build: Build, rows: Int, taps: Int, depth: Int, bias: Float) throws -> [Double] {
    let kernels = try build.kernels
    let width = kernels.gemmShape.panelWidth
    let x = positive("ax", rows * taps * depth)
    let weights = positive("aw", taps * depth * width)
    let offsets = (0..<rows * taps).map { Int32($0 * depth) }
    let biases = try SharedFloats([Float](repeating: bias, count: width))
    let zeros = try SharedFloats(count: depth) { _ in }
    let y = try FloatBuffer(count: rows * width)
    x.withUnsafeBufferPointer { x in
      weights.withUnsafeBufferPointer { weights in
        offsets.withUnsafeBufferPointer { offsets in
          guard let x = x.baseAddress, let weights = weights.baseAddress else { return }
          let task = GEMM(
            kernels.gemmShape, rows: rows, x: x, xStride: depth, offsets: offsets.baseAddress, taps: taps, depth: depth,
            zeros: zeros.base, panels: weights, outputs: width, bias: .shared(biases.base), y: y.base, yStride: width)
          kernels.gemm(task, rows: 0..<rows, panels: 0..<1)
        }
      }
    }
    let length = taps * depth
    return (0..<y.count).map { place in
      let (row, output) = place.quotientAndRemainder(dividingBy: width)
      let exact = (0..<length).reduce(Double(bias)) {
        $0 + Double(x[row * length + $1]) * Double(weights[$1 * width + output])
      }
      return Double(y.base[place]) / exact
    }
  }

  @Test(arguments: variants, [(1, 4608), (9, 512), (9, 100)])
  func longSums(_ build: Build, shape: (taps: Int, depth: Int)) throws {
    let ratios = try ratios(build, rows: 37, taps: shape.taps, depth: shape.depth, bias: 0)
    expectClose(ratios, ratios.map { _ in 1.0 }, within: 6e-7)
  }

  /// What is added to a large bias one by one is rounded as often.
  @Test(arguments: variants)
  func sumsOnALargeBias(_ build: Build) throws {
    let ratios = try ratios(build, rows: 37, taps: 1, depth: 64, bias: 1000)
    expectClose(ratios, ratios.map { _ in 1.0 }, within: 0x1p-24 * 1.1)
  }

  @Test(arguments: [3, 5])
  func depthwiseSumsOnALargeBias(kernel: Int) throws {
    let (channels, side) = (16, 12)
    let grid = Grid(height: side, width: side, channels: channels)
    let x = positive("adx", grid.count)
    let weights = positive("adw", channels * kernel * kernel)
    let shape = ConvolutionShape(
      inputs: channels, outputs: channels, groups: channels, window: SlidingWindow(kernel: kernel))
    let convolution = try DepthwiseConvolution(
      shape, weights: weightRows(weights, length: kernel * kernel),
      epilogue: Epilogue(bias: [Float](repeating: 1000, count: channels)))
    let plan = try convolution.plan(grid)
    var y = [Float](repeating: .nan, count: plan.output.count)
    try convolution.run(x, plan, into: &y, workers: Workers(count: 1))
    let exact = y.indices.map { place in
      let (position, channel) = place.quotientAndRemainder(dividingBy: channels)
      let (row, column) = position.quotientAndRemainder(dividingBy: plan.output.width)
      return (0..<kernel * kernel).reduce(1000.0) { sum, tap in
        let source = ((row + tap / kernel) * side + column + tap % kernel) * channels + channel
        return sum + Double(weights[channel * kernel * kernel + tap]) * Double(x[source])
      }
    }
    expectClose(zip(y, exact).map { Double($0) / $1 }, exact.map { _ in 1.0 }, within: 0x1p-24 * 1.1)
  }

  /// A norm behind a convolution does not round the weights anew: sums that vanish leave its bias, whatever its scale.
  @Test func normsLeaveWeightsAsTheyAre() throws {
    let (inputs, outputs) = (24, 21)
    let weights = (0..<outputs * inputs).map { Float([3, -1, -2][$0 % 3]) }
    let scale = (1...outputs).map { 1 / Float($0) }
    let bias = Generated.unit("norm bias", count: outputs).map { Float($0) }
    let shape = ConvolutionShape(inputs: inputs, outputs: outputs, window: SlidingWindow(kernel: 1))
    let convolution = try Convolution(
      shape, weights: weightRows(weights, length: inputs), epilogue: Epilogue(scale: scale, bias: bias))
    let plan = try convolution.plan(Grid(height: 1, width: 5, channels: inputs))
    var y = [Float](repeating: .nan, count: 5 * outputs)
    try convolution.run(
      [Float](repeating: 1, count: 5 * inputs), plan, residual: nil, into: &y,
      workers: Workers(count: 1))
    #expect(y == (0..<5).flatMap { _ in bias })
    #expect(throws: Failure.self) { try Epilogue(scale: [1], bias: bias) }
    #expect(throws: Failure.self) {
      try Convolution(shape, weights: weightRows(weights, length: inputs), epilogue: Epilogue(bias: [1]))
    }
  }

  /// Features behind a ReLU that change slowly from place to place, as those of photographs: Winograd's transforms take
  /// differences of them. Measured: 1.7e-6 of the largest sum at most, 2.4e-7 root mean square; by the usual points 1 and 2
  /// from 3.0e-6 and 3.0e-7 on.
  @Test(arguments: [64, 256])
  func winogradsConvolution(channels: Int) throws {
    let (side, outputs) = (16, 32)
    let noise = Generated.unit("wax", count: side * side * channels)
    let x = noise.indices.map { place in
      let (row, column) = (place / channels / side, place / channels % side)
      // The mean with the neighbours before it, above zero in the most places.
      let places = [(0, 0), (0, 1), (1, 0), (1, 1)].map { (min(row + $0.0, side - 1), min(column + $0.1, side - 1)) }
      let sum = places.reduce(0) { $0 + noise[($1.0 * side + $1.1) * channels + place % channels] }
      return Float(max(sum + 0.3, 0))
    }
    let scale = (6 / Double(9 * channels)).squareRoot()
    let weights = Generated.unit("waw", count: outputs * channels * 9).map { Float(scale * $0) }
    let convolution = try WinogradConvolution(
      ConvolutionShape(inputs: channels, outputs: outputs, window: SlidingWindow(kernel: 3, padding: .zeros)),
      weights: weightRows(weights, length: 9 * channels),
      epilogue: Epilogue(bias: [Float](repeating: 0, count: outputs)))
    let plan = try convolution.plan(Grid(height: side, width: side, channels: channels))
    var y = [Float](repeating: .nan, count: side * side * outputs)
    try convolution.run(x, plan, residual: nil, into: &y, workers: Workers(count: 1))
    let exact = y.indices.map { place in
      let (position, output) = place.quotientAndRemainder(dividingBy: outputs)
      let (row, column) = position.quotientAndRemainder(dividingBy: side)
      var sum = 0.0
      for tap in 0..<9 {
        let (sourceRow, sourceColumn) = (row + tap / 3 - 1, column + tap % 3 - 1)
        guard (0..<side).contains(sourceRow), (0..<side).contains(sourceColumn) else { continue }
        let source = (sourceRow * side + sourceColumn) * channels
        for channel in 0..<channels {
          sum += Double(weights[(output * channels + channel) * 9 + tap]) * Double(x[source + channel])
        }
      }
      return sum
    }
    let largest = exact.reduce(0) { max($0, abs($1)) }
    expectClose(y, exact, within: 2e-6 * largest)
    let rms = (zip(y, exact).reduce(0) { $0 + ($1.1 - Double($1.0)) * ($1.1 - Double($1.0)) } / Double(y.count))
      .squareRoot()
    expectClose(rms, 0, within: 2.7e-7 * largest, "root mean square")
  }
}
