import Execution
import Kernels

extension ChannelMean {
  /// Computes the task; threads share the channels.
  package func run(_ workers: Workers) {
    withUnsafePointer(to: self) { task in
      workers.run(parts: (channels + 31) / 32, context: task) { context, part, _ in
        let task = context.assumingMemoryBound(to: ChannelMean.self)
        let first = part &* 32
        Kernels.selected.channelMean(task.pointee, channels: first..<min(first &+ 32, task.pointee.channels))
      }
    }
  }
}

extension ChannelAffine {
  /// Computes the task for `lines` lines of `width` rows each. Threads share the lines.
  package func run(lines: Int, width: Int, _ workers: Workers) {
    withUnsafePointer(to: (task: self, width: width)) { job in
      workers.run(parts: lines, context: job) { context, line, _ in
        let job = context.assumingMemoryBound(to: (task: ChannelAffine, width: Int).self)
        let width = job.pointee.width
        Kernels.selected.channelAffine(job.pointee.task, rows: line &* width..<(line &+ 1) &* width)
      }
    }
  }
}

extension RowNorm {
  /// Computes the task. Threads share the rows, some at a time.
  package func run(rows: Int, _ workers: Workers) {
    withUnsafePointer(to: (task: self, rows: rows)) { job in
      workers.run(parts: (rows + 15) / 16, context: job) { context, part, _ in
        let job = context.assumingMemoryBound(to: (task: RowNorm, rows: Int).self)
        Kernels.selected.rowNorm(job.pointee.task, rows: part &* 16..<min(part &* 16 &+ 16, job.pointee.rows))
      }
    }
  }
}
