import Basics
import Support
import Testing

@testable import Execution
@testable import Kernels
@testable import Layers

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
    let window = SlidingWindow(kernel: 3, stride: stride, padding: .reflect)
    let epilogue = try Epilogue(scale: scale, bias: bias, activation: .relu)
    let plain = try Convolution(
      ConvolutionShape(inputs: inputs, outputs: outputs, window: window),
      weights: weightRows(whole, length: inputs * 9), epilogue: epilogue)
    let grouped = try GroupedConvolution(
      ConvolutionShape(inputs: inputs, outputs: outputs, groups: shape.groups, window: window),
      weights: weightRows(weights, length: shape.inputs * 9), epilogue: epilogue)
    let input = Grid(height: 11, width: 13, channels: inputs)
    let x = Generated.unit("x", count: input.count).map { Float($0) }
    let plan = try plain.plan(input)
    let groupedPlan = try grouped.plan(input)
    #expect(groupedPlan.output == plan.output)
    let workers = try Workers(count: 2)
    var expected = [Float](repeating: .nan, count: plan.output.count)
    var y = expected
    try plain.run(x, plan, residual: nil, into: &expected, workers: workers)
    try grouped.run(x, groupedPlan, into: &y, workers: workers)
    expectClose(y, expected, within: 1e-5)
  }

  @Test func groupsThatDoNotDivideAreRefused() {
    for (inputs, outputs, groups) in [(4, 6, 4), (6, 4, 4), (0, 0, 0), (4, 4, 0), (4, 4, -4)] {
      let shape = ConvolutionShape(
        inputs: inputs, outputs: outputs, groups: groups, window: SlidingWindow(kernel: 3, padding: .zeros))
      #expect(throws: Failure.self) {
        try GroupedConvolution(
          shape, weights: weightRows([Float](repeating: 0, count: 6 * 9), length: 9),
          epilogue: Epilogue(bias: [Float](repeating: 0, count: outputs)))
      }
    }
  }
}
