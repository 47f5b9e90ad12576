import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func maxPooling(_ task: borrowing WindowedMap, outputRows: Range<Int>) {
    for row in outputRows {
      for column in 0..<task.outputWidth {
        var channel = 0
        while channel < task.channels {
          maxPooling(task, row: row, column: column, channel: channel, count: lesser(8, task.channels &- channel))
          channel &+= 8
        }
      }
    }
  }

  /// Computes up to 8 channels of one output position.
  @inline(__always)
  private func maxPooling(_ task: borrowing WindowedMap, row: Int, column: Int, channel: Int, count: Int) {
    let rows = task.rowSources + row &* task.kernel
    let columns = task.columnSources + column &* task.kernel
    var top = Vector(repeating: -.infinity)
    for ky in 0..<task.kernel where rows[ky] >= 0 {
      let line = task.x + (rows[ky] &* task.inputWidth &* task.channels &+ channel)
      for kx in 0..<task.kernel where columns[kx] >= 0 {
        let value = Vector.load(line + columns[kx] &* task.channels, first: count)
        top = top.replacing(with: value, where: (value .> top) .| (value .!= value))
      }
    }
    let place = (row &* task.outputWidth &+ column) &* task.channels &+ channel
    top.store(to: task.y + place, first: count)
  }
}
