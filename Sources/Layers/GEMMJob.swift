import Execution
import Kernels

/// A matrix product that threads share.
struct GEMMJob {
  private let task: GEMM
  private let parts: GEMMParts

  /// - Parameter shape: the shape that the task's panels were packed for.
  init(_ task: GEMM, shape: GEMMShape, workers: Int) {
    self.task = task
    parts = GEMMParts(rows: task.rows, outputs: task.outputs, shape: shape, workers: workers)
  }

  func run(_ workers: Workers) {
    withUnsafePointer(to: self) { job in
      workers.run(parts: parts.count, context: job) { context, index, _ in
        let job = context.assumingMemoryBound(to: GEMMJob.self)
        let (rows, panels) = job.pointee.parts[index]
        Kernels.selected.gemm(job.pointee.task, rows: rows, panels: panels)
      }
    }
  }
}
