import Basics
import Kernels

/// The maximum over a sliding window. Values beyond the border count as minus infinity. A NaN in the window gives NaN.
package struct MaxPooling: Operation {
  private let window: SlidingWindow

  package init(_ window: SlidingWindow) { self.window = window }

  package func plan(_ input: Grid) throws(Failure) -> WindowPlan { try WindowPlan(input, window) }

  package func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    withUnsafePointer(to: plan.window(memory.input, into: memory.output)) { task in
      memory.workers.run(parts: plan.output.height, context: task) { context, row, _ in
        Kernels.selected.maxPooling(
          context.assumingMemoryBound(to: WindowedMap.self).pointee, outputRows: row..<row &+ 1)
      }
    }
  }
}
