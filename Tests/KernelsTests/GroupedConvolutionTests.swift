import Basics
import Support
import Testing

@testable import Kernels

@Suite struct GroupedConvolutionTests {
  /// A convolution in groups is one whose other weights are zero.
  @Test(arguments: [(8, 4, 4), (4, 8, 8), (3, 16, 24), (2, 5, 3), (1, 6, 7)], [1, 2])
  func itEqualsTheConvolutionWithZeros(shape: (groups: Int, inputs: Int, outputs: Int), stride: Int) throws {
    let (inputs, outputs) = (shape.groups * shape.inputs, shape.groups * shape.outputs)
    let weights = Generated.unit("grouped", count: outputs * shape.inputs * 9).map { Float($0) }
    let bias = Generated.unit("bias", count: outputs).map { Float($0) }
    let scale = Generated.unit("scale", count: outputs).map { Float(1 + $0 / 2) }
    var whole = [Float](repeating: 0, count: outputs * inputs * 9)
    for output in 0..<outputs {
      let first = output / shape.outputs * shape.inputs
      for i in 0..<shape.inputs * 9 {
        whole[(output * inputs + first) * 9 + i] = weights[output * shape.inputs * 9 + i]
      }
    }
    let plain = try Convolution(
      weights: weightRows(whole, length: inputs * 9), scale: scale, bias: bias, outputs: outputs, inputs: inputs,
      kernel: 3,
      stride: stride,
      activation: .relu)
    let grouped = try GroupedConvolution(
      weights: weightRows(weights, length: shape.inputs * 9), scale: scale, bias: bias, outputs: outputs,
      inputs: inputs,
      groups: shape.groups, kernel: 3, stride: stride, activation: .relu)
    let input = Grid(height: 11, width: 13, channels: inputs)
    let x = Generated.unit("x", count: input.count).map { Float($0) }
    let border = Border.reflect(margin: 1)
    let plan = try plain.plan(input, rowBorder: border, columnBorder: border)
    let groupedPlan = try grouped.plan(input, rowBorder: border, columnBorder: border)
    #expect(groupedPlan.output == plan.output)
    let workers = try Workers(count: 2)
    let scratch = try FloatBuffer(count: plan.scratchCount)
    var expected = [Float](repeating: .nan, count: plan.output.count)
    var y = expected
    plain.run(x, plan, residual: nil, into: &expected, scratch: scratch.base, workers: workers)
    grouped.run(x, groupedPlan, into: &y, workers: workers)
    expectClose(y, expected, within: 1e-5)
  }

  @Test func groupsThatDoNotDivideAreRefused() {
    #expect(throws: Failure.self) {
      try GroupedConvolution(
        weights: weightRows([Float](repeating: 0, count: 6 * 9), length: 9), bias: [Float](repeating: 0, count: 6),
        outputs: 6, inputs: 4,
        groups: 4, kernel: 3, stride: 1, activation: .identity)
    }
    #expect(throws: Failure.self) {
      try GroupedConvolution(
        weights: weightRows([], length: 0), bias: [], outputs: 0, inputs: 0, groups: 0, kernel: 3, stride: 1,
        activation: .identity)
    }
  }
}
