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

  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, into output: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    plan.rows.sources.withUnsafeBufferPointer { rows in
      plan.columns.sources.withUnsafeBufferPointer { columns in
        guard let rows = rows.baseAddress, let columns = columns.baseAddress else { return }
        let job = Job(kernel: kernel, input: input, rows: rows, columns: columns, plan: plan, output: output)
        withUnsafePointer(to: job) { job in
          workers.run(parts: plan.output.height, context: job) { context, row, _ in
            context.assumingMemoryBound(to: Job.self).pointee.row(row)
          }
        }
      }
    }
  }

  private struct Job {
    let kernel: Int
    let input: UnsafePointer<Float>
    let rows: UnsafePointer<Int>
    let columns: UnsafePointer<Int>
    let plan: Plan
    let output: UnsafeMutablePointer<Float>

    func row(_ y: Int) {
      let channels = plan.input.channels
      var target = output + y &* plan.output.width &* channels
      for x in 0..<plan.output.width {
        target.update(repeating: -.infinity, count: channels)
        for ky in 0..<kernel {
          let row = rows[y &* kernel &+ ky]
          guard row >= 0 else { continue }
          for kx in 0..<kernel {
            let column = columns[x &* kernel &+ kx]
            guard column >= 0 else { continue }
            Kernels.selected.maximum(target, input + (row &* plan.input.width &+ column) &* channels, count: channels)
          }
        }
        target += channels
      }
    }
  }
}
