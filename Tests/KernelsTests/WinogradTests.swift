import Basics
import Support
import Testing

@testable import Kernels

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
    let residual = Generated.unit("wr", count: height * width * outputs).map { Float($0) }
    let workers = try Workers(count: 2)
    let grid = Grid(height: height, width: width, channels: inputs)

    let plain = try Convolution(
      weights: weights, bias: bias, outputs: outputs, inputs: inputs, kernel: 3, stride: 1, activation: .relu)
    let border: Border = isReflecting ? .reflect(margin: 1) : .zeros(before: 1, after: 1)
    let plainPlan = try plain.plan(grid, rowBorder: border, columnBorder: border)
    var expected = [Float](repeating: .nan, count: height * width * outputs)
    let plainScratch = try FloatBuffer(count: plainPlan.scratchCount)
    plain.run(x, plainPlan, residual: residual, into: &expected, scratch: plainScratch.base, workers: workers)

    let winograd = try WinogradConvolution(
      weights: weights, bias: bias, outputs: outputs, inputs: inputs, activation: .relu)
    let plan = try winograd.plan(grid, isReflecting: isReflecting)
    #expect(plan.output == plainPlan.output)
    let scratch = try FloatBuffer(count: plan.scratchCount)
    var bits: [[Float]] = []
    for workers in [workers, try Workers(count: 1)] {
      var y = [Float](repeating: .nan, count: expected.count)
      winograd.run(x, plan, residual: residual, into: &y, scratch: scratch.base, workers: workers)
      let largest = expected.reduce(0) { max($0, abs($1)) }
      for i in y.indices { #expect(abs(y[i] - expected[i]) < 1e-5 * largest) }
      bits.append(y)
    }
    #expect(bits[0] == bits[1])
  }

  @Test func channelsThatDoNotSuitAreRefused() {
    #expect(throws: Failure.self) {
      try WinogradConvolution(
        weights: [Float](repeating: 0, count: 9 * 16 * 20), bias: [Float](repeating: 0, count: 16), outputs: 16,
        inputs: 20, activation: .relu)
    }
  }
}
