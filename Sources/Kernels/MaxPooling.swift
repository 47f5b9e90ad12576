import Basics

/// The maximum over a sliding window; beyond the border counts as minus infinity.
package struct MaxPooling: Sendable {
  package let kernel: Int
  package let stride: Int
  package let margin: Int

  package init(kernel: Int, stride: Int, margin: Int) {
    self.kernel = kernel
    self.stride = stride
    self.margin = margin
  }

  /// The pooling at one input size.
  package struct Plan {
    package let output: Grid
    fileprivate let input: Grid
    fileprivate let rows: WindowAxis
    fileprivate let columns: WindowAxis
  }

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    let border = Border.zeros(before: margin, after: margin)
    let rows = try WindowAxis(length: input.height, kernel: kernel, stride: stride, border: border)
    let columns = try WindowAxis(length: input.width, kernel: kernel, stride: stride, border: border)
    return Plan(
      output: Grid(height: rows.outputLength, width: columns.outputLength, channels: input.channels), input: input,
      rows: rows, columns: columns)
  }

  package func run(_ input: UnsafePointer<Float>, _ plan: Plan, into output: UnsafeMutablePointer<Float>) {
    let channels = plan.input.channels
    var target = output
    for y in 0..<plan.output.height {
      for x in 0..<plan.output.width {
        target.update(repeating: -.infinity, count: channels)
        for row in plan.rows.sources[y &* kernel..<(y &+ 1) &* kernel] where row >= 0 {
          for column in plan.columns.sources[x &* kernel..<(x &+ 1) &* kernel] where column >= 0 {
            Kernels.selected.maximum(target, input + (row &* plan.input.width &+ column) &* channels, channels)
          }
        }
        target += channels
      }
    }
  }
}
