import CProcessor
import Kernels

/// A matrix in its ordinary layout, for values that change from call to call, as weights do in training. A product
/// packs it piece by piece just before use, which costs little when there are some hundred rows.
///
/// Every output is summed in one order, whatever rows or outputs are computed together.
package struct UnpackedMatrix {
  /// How the matrix lies in memory.
  package enum Layout: Sendable {
    /// A row of weights for each output: PyTorch's `Linear.weight`.
    case outputRows
    /// A row of weights for each input.
    case inputRows
  }

  private let base: UnsafePointer<Float>
  private let rowStride: Int
  private let layout: Layout
  private let inputs: Int

  /// - Parameter rowStride: floats from one stored row to the next.
  package init(_ base: UnsafePointer<Float>, rowStride: Int, layout: Layout, inputs: Int) {
    self.base = base
    self.rowStride = rowStride
    self.layout = layout
    self.inputs = inputs
  }

  /// How many inputs are packed at once: with two panels of outputs they are 32 KiB, which stay in a core's fastest caches.
  private static let inputsAtOnce = 256
  private static let panelsAtOnce = 2

  /// The scratch memory in floats that ``multiply(_:xStride:rows:outputs:adding:into:yStride:scratch:)`` needs. It must
  /// begin as zeros and be used for nothing else.
  package static var scratchCount: Int { (inputsAtOnce + 1) * panelsAtOnce * Kernels.gemmShape.panelWidth }

  /// y[row][output] = sum over inputs of weight(output, input) x[row][input], for some of the outputs, on the calling thread.
  ///
  /// - Parameters:
  ///   - isAdding: whether the product is added to y.
  ///   - y: rows with a column for each output of the matrix; must not overlap x.
  package func multiply(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, outputs: Range<Int>, adding isAdding: Bool = false,
    into y: UnsafeMutablePointer<Float>, yStride: Int, scratch: UnsafeMutablePointer<Float>,
    on arithmetic: Arithmetic = .fast
  ) {
    let step = Self.panelsAtOnce * Kernels.gemmShape.panelWidth
    let zeros = scratch
    let panels = scratch + step
    for start in stride(from: 0, to: inputs, by: Self.inputsAtOnce) {
      let pack = start..<min(start + Self.inputsAtOnce, inputs)
      for first in stride(from: outputs.lowerBound, to: outputs.upperBound, by: step) {
        let count = min(step, outputs.upperBound - first)
        self.pack(outputs: first..<first + count, inputs: pack, into: panels)
        // Fetches the next weights while these are multiplied.
        let next = first + step
        if next < outputs.upperBound {
          fetch(outputs: next..<min(next + step, outputs.upperBound), inputs: pack)
        } else if pack.upperBound < inputs {
          fetch(
            outputs: outputs.lowerBound..<min(outputs.lowerBound + step, outputs.upperBound),
            inputs: pack.upperBound..<min(pack.upperBound + Self.inputsAtOnce, inputs))
        }
        let target = y + first
        GEMM(
          Kernels.gemmShape, rows: rows, x: x + start, xStride: xStride, depth: pack.count, zeros: zeros,
          panels: panels, outputs: count, bias: .shared(zeros),
          residual: isAdding || start > 0 ? UnsafePointer(target) : nil, y: target, yStride: yStride
        ).run(on: arithmetic.kernels)
      }
    }
  }

  private func fetch(outputs: Range<Int>, inputs: Range<Int>) {
    let (rows, columns) = layout == .outputRows ? (outputs, inputs) : (inputs, outputs)
    for row in rows {
      let start = base + row &* rowStride
      for column in stride(from: columns.lowerBound, to: columns.upperBound, by: 16) {
        cflowad_processor_prefetch(start + column)
      }
    }
  }

  private func pack(outputs: Range<Int>, inputs: Range<Int>, into panels: UnsafeMutablePointer<Float>) {
    let isTransposed = layout == .outputRows
    let (row, column) = isTransposed ? (outputs.lowerBound, inputs.lowerBound) : (inputs.lowerBound, outputs.lowerBound)
    PackedMatrix.pack(
      base + (row * rowStride + column), stride: rowStride, isTransposed: isTransposed, rows: inputs.count,
      columns: outputs.count, into: panels)
  }
}
