import Basics

/// The maximum over a sliding window; beyond the border counts as minus infinity. NaN is carried on.
package struct MaxPooling: Sendable {
  package let kernel: Int
  package let stride: Int
  package let margin: Int

  package init(kernel: Int, stride: Int, margin: Int) {
    self.kernel = kernel
    self.stride = stride
    self.margin = margin
  }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan {
    let border = Border.zeros(before: margin, after: margin)
    return try WindowPlan(input, kernel: kernel, stride: stride, rowBorder: border, columnBorder: border)
  }

  package func run(
    _ input: UnsafePointer<Float>, _ plan: WindowPlan, into output: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    withUnsafePointer(to: plan.window(input, into: output)) { task in
      workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.selected.maximum(context.assumingMemoryBound(to: Window.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}
