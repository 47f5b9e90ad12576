import Basics
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

/// Winograd's convolution against the plain one, on maps that do and do not divide into tiles.
@Suite struct WinogradTests {
  @Test(arguments: [
    (12, 16, 16, 16, true), (13, 9, 32, 48, false), (5, 30, 48, 16, true), (70, 61, 16, 48, false),
    (33, 34, 64, 32, true),
  ])
  func itEqualsThePlainConvolution(height: Int, width: Int, inputs: Int, outputs: Int, isReflecting: Bool) throws {
    let x = Generated.unit("wx", count: height * width * inputs).map { Float($0) }
    let scale = (3 / Double(9 * inputs)).squareRoot()
    let weights = Generated.unit("ww", count: outputs * inputs * 9).map { Float(scale * $0) }
    let bias = Generated.unit("wb", count: outputs).map { Float($0) }
    let norm = Generated.unit("ws", count: outputs).map { Float(1 + $0 / 2) }
    let residual = Generated.unit("wr", count: height * width * outputs).map { Float($0) }
    let workers = try Workers(count: 2)
    let grid = Grid(height: height, width: width, channels: inputs)

    let window = SlidingWindow(kernel: 3, padding: isReflecting ? .reflect : .zeros)
    let shape = ConvolutionShape(inputs: inputs, outputs: outputs, window: window)
    let epilogue = try Epilogue(scale: norm, bias: bias, activation: .relu)
    let plain = try Convolution(shape, weights: weightRows(weights, length: 9 * inputs), epilogue: epilogue)
    let plainPlan = try plain.plan(grid)
    var expected = [Float](repeating: .nan, count: height * width * outputs)
    try plain.run(x, plainPlan, residual: residual, into: &expected, workers: workers)

    let winograd = try WinogradConvolution(
      shape, weights: weightRows(weights, length: 9 * inputs), epilogue: epilogue)
    let plan = try winograd.plan(grid)
    #expect(plan.output == plainPlan.output)
    var bits: [[Float]] = []
    for workers in [workers, try Workers(count: 1)] {
      var y = [Float](repeating: .nan, count: expected.count)
      try winograd.run(x, plan, residual: residual, into: &y, workers: workers)
      let largest = expected.reduce(0) { max($0, abs($1)) }
      expectClose(y, expected, within: 1e-5 * Double(largest))
      bits.append(y)
    }
    #expect(bits[0] == bits[1])
  }

  @Test(arguments: [
    ConvolutionShape(inputs: 20, outputs: 16, window: SlidingWindow(kernel: 3, padding: .zeros)),
    ConvolutionShape(inputs: 16, outputs: 20, window: SlidingWindow(kernel: 3, padding: .zeros)),
    ConvolutionShape(inputs: 16, outputs: 16, window: SlidingWindow(kernel: 3)),
    ConvolutionShape(inputs: 16, outputs: 16, window: SlidingWindow(kernel: 5, padding: .zeros)),
    ConvolutionShape(inputs: 16, outputs: 16, window: SlidingWindow(kernel: 3, stride: 2, padding: .zeros)),
    ConvolutionShape(inputs: 32, outputs: 32, groups: 2, window: SlidingWindow(kernel: 3, padding: .zeros)),
  ]) func whatDoesNotSuitIsRefused(shape: ConvolutionShape) {
    #expect(throws: Failure.self) {
      try WinogradConvolution(
        shape, weights: weightRows([Float](repeating: 0, count: shape.outputs * 9 * 32), length: shape.rowLength),
        epilogue: Epilogue(bias: [Float](repeating: 0, count: shape.outputs)))
    }
  }
}
