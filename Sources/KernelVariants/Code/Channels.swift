import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  /// Sums each row of the map and then the sums of the rows, because shorter chains of additions lose less to rounding.
  package func channelMean(_ task: borrowing ChannelMean, channels: Range<Int>) {
    let (height, width, stride) = (task.height, task.width, task.channels)
    let count = Float(height &* width)
    var channel = channels.lowerBound
    // 32 channels are two cache lines.
    while channel &+ 32 <= channels.upperBound {
      var (a, b, c, d) = (Vector(), Vector(), Vector(), Vector())
      var x = task.x + channel
      for _ in 0..<height {
        var (rowA, rowB, rowC, rowD) = (Vector(), Vector(), Vector(), Vector())
        for _ in 0..<width {
          rowA += .load(x)
          rowB += .load(x + 8)
          rowC += .load(x + 16)
          rowD += .load(x + 24)
          x += stride
        }
        a += rowA
        b += rowB
        c += rowC
        d += rowD
      }
      let y = task.y + channel
      (a / count).store(to: y)
      (b / count).store(to: y + 8)
      (c / count).store(to: y + 16)
      (d / count).store(to: y + 24)
      channel &+= 32
    }
    let (x0, y0) = (task.x + channel, task.y + channel)
    forEachVector(count: channels.upperBound &- channel) { start, lanes in
      var sum = Vector()
      var x = x0 + start
      for _ in 0..<height {
        var row = Vector()
        for _ in 0..<width {
          row += .load(x, first: lanes)
          x += stride
        }
        sum += row
      }
      (sum / count).store(to: y0 + start, first: lanes)
    }
  }

  package func channelAffine(_ task: borrowing ChannelAffine, rows: Range<Int>) {
    let (scale, offset, residual) = (task.scale, task.offset, task.residual)
    for row in rows {
      let place = row &* task.channels
      let (x, y) = (task.x + place, task.y + place)
      forEachVector(count: task.channels) { start, lanes in
        var value = Vector()
        if let offset { value = .load(offset + start, first: lanes) }
        value.add(.load(x + start, first: lanes), times: .load(scale + start, first: lanes))
        if let residual { value += .load(residual + (place &+ start), first: lanes) }
        value.store(to: y + start, first: lanes)
      }
    }
  }
}
