import KernelTasks

extension Variant {
  package func depthwise(_ task: borrowing Depthwise, outputRows: Range<Int>) {
    for y in outputRows {
      for x in 0..<task.outputWidth {
        let rows = task.rowSources + y &* task.kernel
        let columns = task.columnSources + x &* task.kernel
        let output = task.y + (y &* task.outputWidth &+ x) &* task.channels
        // Two vectors side by side: the sums of one wait on each other.
        var channel = 0
        while channel &+ 16 <= task.channels {
          position(task, rows: rows, columns: columns, channel: channel, output)
          channel &+= 16
        }
        if channel < task.channels {
          let left = task.channels &- channel
          lanes(task, rows: rows, columns: columns, channel: channel, count: min(left, 8), output)
          if left > 8 { lanes(task, rows: rows, columns: columns, channel: channel &+ 8, count: left &- 8, output) }
        }
      }
    }
  }
}

/// 16 channels of one output position.
@inline(__always)
private func position(
  _ task: borrowing Depthwise, rows: UnsafePointer<Int>, columns: UnsafePointer<Int>, channel: Int,
  _ output: UnsafeMutablePointer<Float>
) {
  var a = Vector.load(task.bias + channel)
  var b = Vector.load(task.bias + (channel &+ 8))
  for ky in 0..<task.kernel {
    let row = rows[ky]
    if row < 0 { continue }
    for kx in 0..<task.kernel {
      let column = columns[kx]
      if column < 0 { continue }
      let values = task.x + ((row &* task.inputWidth &+ column) &* task.channels &+ channel)
      let weights = task.weights + ((ky &* task.kernel &+ kx) &* task.channels &+ channel)
      a.add(.load(values), times: .load(weights))
      b.add(.load(values + 8), times: .load(weights + 8))
    }
  }
  a.activated(task.activation).store(to: output + channel)
  b.activated(task.activation).store(to: output + (channel &+ 8))
}

/// Up to 8 channels of one output position.
@inline(__always)
private func lanes(
  _ task: borrowing Depthwise, rows: UnsafePointer<Int>, columns: UnsafePointer<Int>, channel: Int, count: Int,
  _ output: UnsafeMutablePointer<Float>
) {
  var sum = Vector.load(task.bias + channel, first: count)
  for ky in 0..<task.kernel {
    let row = rows[ky]
    if row < 0 { continue }
    for kx in 0..<task.kernel {
      let column = columns[kx]
      if column < 0 { continue }
      let values = task.x + ((row &* task.inputWidth &+ column) &* task.channels &+ channel)
      let weights = task.weights + ((ky &* task.kernel &+ kx) &* task.channels &+ channel)
      sum.add(.load(values, first: count), times: .load(weights, first: count))
    }
  }
  sum.activated(task.activation).store(to: output + channel, first: count)
}
