import KernelTasks

extension Variant {
  package func quantizedDepthwise(_ task: borrowing QuantizedDepthwise, outputRows: Range<Int>) {
    let (start, end, width) = (task.window.interiorStart, task.window.interiorEnd, task.window.outputWidth)
    for row in outputRows {
      var column = 0
      while column < width {
        if column >= start, column &+ 4 <= end, fourPositions(task, row: row, column: column) {
          column &+= 4
        } else {
          position(task, row: row, column: column)
          column &+= 1
        }
      }
    }
  }

  package func quantizedMaximum(
    _ window: borrowing QuantizedWindow, outputRows: Range<Int>, into y: UnsafeMutablePointer<UInt8>
  ) {
    let (kernel, channels, width) = (window.kernel, window.channels, window.outputWidth)
    let (x, lineLength) = (window.x, window.inputWidth &* window.channels)
    for row in outputRows {
      let rows = window.rowSources + row &* kernel
      for column in 0..<width {
        let columns = window.columnSources + column &* kernel
        let y = y + (row &* width &+ column) &* channels
        var channel = 0
        while channel < channels {
          let isWhole = channel &+ 16 <= channels
          var top = SIMD16<UInt8>()
          for ky in 0..<kernel where rows[ky] >= 0 {
            for kx in 0..<kernel where columns[kx] >= 0 {
              let source = x + (rows[ky] &* lineLength &+ columns[kx] &* channels &+ channel)
              let value: SIMD16<UInt8> =
                isWhole
                ? UnsafeRawPointer(source).loadUnaligned(as: SIMD16<UInt8>.self) : part(source, channels &- channel)
              top = top.replacing(with: value, where: value .> top)
            }
          }
          if isWhole {
            UnsafeMutableRawPointer(y + channel).storeBytes(of: top, as: SIMD16<UInt8>.self)
          } else {
            for lane in 0..<channels &- channel { y[channel &+ lane] = top[lane] }
          }
          channel &+= 16
        }
      }
    }
  }
}

/// The first `count` bytes, zeros behind them.
@inline(never)
private func part(_ source: UnsafePointer<UInt8>, _ count: Int) -> SIMD16<UInt8> {
  var value = SIMD16<UInt8>()
  for lane in 0..<count { value[lane] = source[lane] }
  return value
}

/// Four neighbouring outputs whose columns are all inside the map, for the usual kernels; else false, and nothing done.
@inline(__always)
private func fourPositions(_ task: borrowing QuantizedDepthwise, row: Int, column: Int) -> Bool {
  guard task.window.channels >= WideVector.width else { return false }
  switch (task.window.kernel, task.window.stride) {
  case (3, 1): fourPositions(Three.self, One.self, task, row: row, column: column)
  case (3, 2): fourPositions(Three.self, Two.self, task, row: row, column: column)
  case (5, 1): fourPositions(Five.self, One.self, task, row: row, column: column)
  case (5, 2): fourPositions(Five.self, Two.self, task, row: row, column: column)
  default: return false
  }
  return true
}

/// Weights are loaded once for the four outputs.
@inline(never)
private func fourPositions<Kernel: Count, Stride: Count>(
  _: Kernel.Type, _: Stride.Type, _ task: borrowing QuantizedDepthwise, row: Int, column: Int
) {
  let channels = task.window.channels
  let rows = task.window.rowSources + row &* Kernel.value
  let x = task.window.x + task.window.columnSources[column &* Kernel.value] &* channels
  let lineLength = task.window.inputWidth &* channels
  let (taps, zeros, correction) = (task.weights, task.zero, task.correction)
  let epilogue = task.epilogue
  let limits = epilogue.activation.limits
  let place = (row &* task.window.outputWidth &+ column) &* channels
  forEachWideVector(0..<channels) { channel, lanes in
    let (zero, first) = (WideVector.load(zeros + channel), WideVector.load(correction + channel))
    var (a, b, c, d) = (first, first, first, first)
    for ky in 0..<Kernel.value {
      let weights = taps + (ky &* Kernel.value &* channels &+ channel)
      guard rows[ky] >= 0 else {
        for kx in 0..<Kernel.value {
          let w = WideVector.load(weights + kx &* channels)
          a.addExact(zero, times: w)
          b.addExact(zero, times: w)
          c.addExact(zero, times: w)
          d.addExact(zero, times: w)
        }
        continue
      }
      let line = x + (rows[ky] &* lineLength &+ channel)
      for kx in 0..<Kernel.value {
        let w = WideVector.load(weights + kx &* channels)
        a.addExact(.load(bytes: line + kx &* channels), times: w)
        b.addExact(.load(bytes: line + (kx &+ Stride.value) &* channels), times: w)
        c.addExact(.load(bytes: line + (kx &+ 2 &* Stride.value) &* channels), times: w)
        d.addExact(.load(bytes: line + (kx &+ 3 &* Stride.value) &* channels), times: w)
      }
    }
    epilogue.store(a, limits, output: channel, place: place &+ channel, lanes: lanes)
    epilogue.store(b, limits, output: channel, place: place &+ channels &+ channel, lanes: lanes)
    epilogue.store(c, limits, output: channel, place: place &+ 2 &* channels &+ channel, lanes: lanes)
    epilogue.store(d, limits, output: channel, place: place &+ 3 &* channels &+ channel, lanes: lanes)
  }
}

/// One output position, wherever its taps are.
private func position(_ task: borrowing QuantizedDepthwise, row: Int, column: Int) {
  let (kernel, channels) = (task.window.kernel, task.window.channels)
  let rows = task.window.rowSources + row &* kernel
  let columns = task.window.columnSources + column &* kernel
  let (x, lineLength) = (task.window.x, task.window.inputWidth &* channels)
  let (taps, zeros, correction) = (task.weights, task.zero, task.correction)
  let epilogue = task.epilogue
  let limits = epilogue.activation.limits
  let place = (row &* task.window.outputWidth &+ column) &* channels
  forEachWideVector(0..<channels) { channel, lanes in
    let zero = WideVector.load(zeros + channel)
    var sum = WideVector.load(correction + channel)
    for ky in 0..<kernel {
      for kx in 0..<kernel {
        let w = WideVector.load(taps + ((ky &* kernel &+ kx) &* channels &+ channel))
        if rows[ky] < 0 || columns[kx] < 0 {
          sum.addExact(zero, times: w)
        } else {
          let source = x + (rows[ky] &* lineLength &+ columns[kx] &* channels &+ channel)
          sum.addExact(lanes == WideVector.width ? .load(bytes: source) : bytes(source, lanes), times: w)
        }
      }
    }
    epilogue.store(sum, limits, output: channel, place: place &+ channel, lanes: lanes)
  }
}

/// The first `count` bytes, zeros behind them.
@inline(never)
func bytes(_ source: UnsafePointer<UInt8>, _ count: Int) -> WideVector {
  var value = WideVector(repeating: 0)
  for lane in 0..<count { value[lane] = Float(source[lane]) }
  return value
}
