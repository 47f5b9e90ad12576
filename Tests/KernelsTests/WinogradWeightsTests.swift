import Basics
import Support
import Testing

@testable import Kernels

/// Winograd's transform of a layer's kernels.
@Suite struct WinogradWeightsTests {
  @Test(arguments: variants) func transformedKernelsEqualTheFormula(_ build: Build) throws {
    let kernels = try build.kernels
    let (inputs, width) = (5, kernels.gemmShape.panelWidth)
    // Of each point 1, x, x^2, divided by its differences from the others.
    let points = [0, 0.625, -0.625, 1.5, -1.5]
    let g: [[Double]] =
      points.map { x in
        let product = points.filter { $0 != x }.reduce(1) { $0 * (x - $1) }
        return [1 / product, x / product, x * x / product]
      } + [[0, 0, 1]]
    let values = Generated.unit("wk", count: inputs * 9 * width).map { Float($0) }
    let placeStride = inputs * width + 3
    for row in 0..<6 {
      var transformed = [Float](repeating: .nan, count: 6 * placeStride)
      values.withUnsafeBufferPointer { values in
        transformed.withUnsafeMutableBufferPointer { transformed in
          guard let values = values.baseAddress, let transformed = transformed.baseAddress else { return }
          kernels.winogradWeights(
            WinogradWeights(
              kernels: values, inputs: inputs, row: row, transformed: transformed, placeStride: placeStride))
        }
      }
      for i in 0..<6 * inputs * width {
        let (column, input, output) = (i / width / inputs, i / width % inputs, i % width)
        var expected = 0.0
        for tap in 0..<9 {
          let kernel = Double(values[(input * 9 + tap) * width + output])
          expected += g[row][tap / 3] * g[column][tap % 3] * kernel
        }
        expectClose(transformed[column * placeStride + input * width + output], expected, within: 2e-7)
      }
    }
  }
}
