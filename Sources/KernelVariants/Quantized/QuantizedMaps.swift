import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func quantizedMean(_ task: borrowing QuantizedMean, channels: Range<Int>) {
    let (x, y, stride, positions) = (task.x, task.y, task.channels, task.positions)
    let (count, zero, scale) = (Float(positions), task.zero, task.scale)
    forEachWideVector(channels) { channel, lanes in
      guard lanes == WideVector.width else {
        for lane in channel..<channel &+ lanes {
          var sum: Int32 = 0
          for position in 0..<positions { sum &+= Int32(x[position &* stride &+ lane]) }
          y[lane] = (Float(sum) / count - zero[lane]) * scale[lane]
        }
        return
      }
      var sum = IntVector()
      for position in 0..<positions { sum &+= .load(bytes: x + (position &* stride &+ channel)) }
      ((sum.floats / count - .load(zero + channel)) * .load(scale + channel)).store(to: y + channel)
    }
  }

  package func quantizedAffine(_ task: borrowing QuantizedAffine, rows: Range<Int>) {
    let (channels, epilogue) = (task.channels, task.epilogue)
    let (x, limits) = (task.x, epilogue.activation.limits)
    for row in rows {
      let place = row &* channels
      forEachWideVector(0..<channels) { channel, lanes in
        epilogue.store(
          x.load(place &+ channel, channel, first: lanes), limits, output: channel, place: place &+ channel,
          lanes: lanes)
      }
    }
  }
}
