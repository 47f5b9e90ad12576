import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

extension Variant {
  package func depthwise(_ task: borrowing Depthwise, outputRows: Range<Int>) {
    let (interiorStart, interiorEnd) = (task.window.interiorStart, task.window.interiorEnd)
    for row in outputRows {
      var column = 0
      while column < task.window.outputWidth {
        let isInside = column >= interiorStart && column &+ 4 <= interiorEnd
        if isInside, fourPositions(task, row: row, column: column) {
          column &+= 4
        } else {
          position(task, row: row, column: column)
          column &+= 1
        }
      }
      if !task.activation.isLimit {
        let count = task.window.outputWidth &* task.window.channels
        applyActivation(task.activation, to: task.window.y + row &* count, count: count)
      }
    }
  }
}

/// Whether each row of a depthwise kernel has a partial sum. One sum of 25 taps would lose twice as much to rounding as 5 sums
/// of 5.
@inline(__always)
private func sumsRows(_ kernel: Int) -> Bool { kernel > 3 }

/// Computes four neighbouring outputs whose taps are all inside the map. Returns false, and does nothing, for kernels
/// of unusual sizes.
@inline(__always)
private func fourPositions(_ task: borrowing Depthwise, row: Int, column: Int) -> Bool {
  switch (task.window.kernel, task.window.stride) {
  case (3, 1): fourPositions(Three.self, One.self, task, row: row, column: column)
  case (3, 2): fourPositions(Three.self, Two.self, task, row: row, column: column)
  case (5, 1): fourPositions(Five.self, One.self, task, row: row, column: column)
  case (5, 2): fourPositions(Five.self, Two.self, task, row: row, column: column)
  default: return false
  }
  return true
}

/// Computes four neighbouring outputs, and loads weights and the inputs that they share only once.
@inline(never)
private func fourPositions<Kernel: Count, Stride: Count>(
  _: Kernel.Type, _: Stride.Type, _ task: borrowing Depthwise, row: Int, column: Int
) {
  let channels = task.window.channels
  let place = FourPlaces(
    rows: task.window.rowSources + row &* Kernel.value,
    x: task.window.x + task.window.columnSources[column &* Kernel.value] &* channels,
    lineLength: task.window.inputWidth &* channels, weights: task.weights, scale: task.scale, bias: task.bias,
    channels: channels,
    limits: task.activation.limits, y: task.window.y + (row &* task.window.outputWidth &+ column) &* channels)
  var channel = 0
  while channel &+ WideVector.width <= channels {
    place.sum(WideVector.self, Kernel.self, Stride.self, channel: channel)
    channel &+= WideVector.width
  }
  while channel &+ Vector.width <= channels {
    place.sum(Vector.self, Kernel.self, Stride.self, channel: channel)
    channel &+= Vector.width
  }
  guard channel < channels else { return }
  for i in 0..<4 { lanes(task, row: row, column: column &+ i, channel: channel, count: channels &- channel) }
}

/// Four neighbouring outputs of a depthwise convolution.
private struct FourPlaces {
  let rows: UnsafePointer<Int>
  /// The first tap of the first output, in row 0 of the map.
  let x: UnsafePointer<Float>
  let lineLength: Int
  let weights: UnsafePointer<Float>
  let scale: UnsafePointer<Float>
  let bias: UnsafePointer<Float>
  let channels: Int
  let limits: (low: Float, high: Float)
  let y: UnsafeMutablePointer<Float>

  @inline(__always)
  func sum<V: FloatVector, Kernel: Count, Stride: Count>(
    _: V.Type, _: Kernel.Type, _: Stride.Type, channel: Int
  ) {
    let zero = V(repeating: 0)
    var (a, b, c, d) = (zero, zero, zero, zero)
    for ky in 0..<Kernel.value where rows[ky] >= 0 {
      let line = x + (rows[ky] &* lineLength &+ channel)
      let weights = weights + (ky &* Kernel.value &* channels &+ channel)
      let before = (a, b, c, d)
      if sumsRows(Kernel.value) { (a, b, c, d) = (zero, zero, zero, zero) }
      for kx in 0..<Kernel.value {
        let w = V.load(weights + kx &* channels)
        a.add(.load(line + kx &* channels), times: w)
        b.add(.load(line + (kx &+ Stride.value) &* channels), times: w)
        c.add(.load(line + (kx &+ 2 &* Stride.value) &* channels), times: w)
        d.add(.load(line + (kx &+ 3 &* Stride.value) &* channels), times: w)
      }
      if sumsRows(Kernel.value) {
        (a, b, c, d) = (before.0 + a, before.1 + b, before.2 + c, before.3 + d)
      }
    }
    // Scale and bias come last, as for matrix products.
    let (scale, bias) = (V.load(scale + channel), V.load(bias + channel))
    let y = y + channel
    store(a, scale, bias, y)
    store(b, scale, bias, y + channels)
    store(c, scale, bias, y + 2 &* channels)
    store(d, scale, bias, y + 3 &* channels)
  }

  @inline(__always)
  private func store<V: FloatVector>(_ sum: V, _ scale: V, _ bias: V, _ target: UnsafeMutablePointer<Float>) {
    var value = bias
    value.add(sum, times: scale)
    value.limited(limits.low, limits.high).store(to: target)
  }
}

/// Computes one output position, wherever its taps are.
private func position(_ task: borrowing Depthwise, row: Int, column: Int) {
  let channels = task.window.channels
  var channel = 0
  while channel &+ WideVector.width <= channels {
    sum(task, row: row, column: column, channel: channel, load: WideVector.load) { $0.store(to: $1) }
    channel &+= WideVector.width
  }
  while channel < channels {
    lanes(task, row: row, column: column, channel: channel, count: lesser(8, channels &- channel))
    channel &+= 8
  }
}

/// Computes up to 8 channels of one output position wherever its taps are.
private func lanes(_ task: borrowing Depthwise, row: Int, column: Int, channel: Int, count: Int) {
  sum(task, row: row, column: column, channel: channel, load: { Vector.load($0, first: count) }) {
    $0.store(to: $1, first: count)
  }
}

@inline(__always)
private func sum<V: FloatVector>(
  _ task: borrowing Depthwise, row: Int, column: Int, channel: Int, load: (UnsafePointer<Float>) -> V,
  store: (V, UnsafeMutablePointer<Float>) -> Void
) {
  let window = task.window
  let (kernel, channels) = (window.kernel, window.channels)
  let rows = window.rowSources + row &* kernel
  let columns = window.columnSources + column &* kernel
  var sum = V(repeating: 0)
  for ky in 0..<kernel where rows[ky] >= 0 {
    let before = sum
    if sumsRows(kernel) { sum = V(repeating: 0) }
    for kx in 0..<kernel where columns[kx] >= 0 {
      let values = window.x + ((rows[ky] &* window.inputWidth &+ columns[kx]) &* channels &+ channel)
      let weights = task.weights + ((ky &* kernel &+ kx) &* channels &+ channel)
      sum.add(load(values), times: load(weights))
    }
    if sumsRows(kernel) { sum = before + sum }
  }
  let (low, high) = task.activation.limits
  var value = load(task.bias + channel)
  value.add(sum, times: load(task.scale + channel))
  store(
    value.limited(low, high),
    window.y + ((row &* window.outputWidth &+ column) &* channels &+ channel))
}
