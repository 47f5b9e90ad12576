import KernelTasks

// This file is hot: see Products/GEMM.swift. Each lane of a vector is a channel. It holds a pair of bytes from two rows of the map,
// which is multiplied by a pair of weights. A column of the map is loaded once for all outputs that see it.

extension Variant {
  package func quantizedDepthwise(_ task: borrowing QuantizedDepthwise, outputRows: Range<Int>) {
    switch (task.window.kernel, task.window.stride) {
    case (3, 1): rows(Three.self, One.self, task, outputRows)
    case (3, 2): rows(Three.self, Two.self, task, outputRows)
    case (5, 1): rows(Five.self, One.self, task, outputRows)
    case (5, 2): rows(Five.self, Two.self, task, outputRows)
    default:
      for row in outputRows {
        for column in 0..<task.window.outputWidth { position(task, row: row, column: column) }
      }
    }
  }
}

/// Computes rows of outputs, four outputs at a time. The last four of a row may overlap those before.
private func rows<Kernel: Count, Stride: Count>(
  _: Kernel.Type, _: Stride.Type, _ task: borrowing QuantizedDepthwise, _ outputRows: Range<Int>
) {
  let (start, end, width) = (task.window.interiorStart, task.window.interiorEnd, task.window.outputWidth)
  for row in outputRows {
    guard width >= 4, task.window.channels >= WideVector.width else {
      for column in 0..<width { position(task, row: row, column: column) }
      continue
    }
    let rows = task.window.rowSources + row &* Kernel.value
    let isInside = rows[0] >= 0 && rows[Kernel.value &- 1] &- rows[0] == Kernel.value &- 1
    var column = 0
    while column < width {
      let first = lesser(column, width &- 4)
      if isInside, first >= start, first &+ 4 <= end {
        let source = rows[0] &* task.window.inputWidth &+ task.window.columnSources[first &* Kernel.value]
        let inside = InsideWindow(
          x: task.window.x + source &* task.window.channels, channels: task.window.channels,
          lineLength: task.window.inputWidth &* task.window.channels)
        fourOutputs(Kernel.self, Stride.self, task, inside, row: row, column: first)
      } else {
        let border = BorderWindow<Kernel, Stride>(task, row: row, column: first)
        fourOutputs(Kernel.self, Stride.self, task, border, row: row, column: first)
      }
      column &+= 4
    }
  }
}

/// Finds the bytes that four neighbouring outputs see.
private protocol WindowBytes {
  /// The byte of the first channel at a place under the windows.
  ///
  /// - Parameters:
  ///   - row: the row of the window.
  ///   - column: the column of the map, counted from the first one that the first output sees.
  func bytes(row: Int, column: Int) -> UnsafePointer<UInt8>
}

private struct InsideWindow: WindowBytes {
  let x: UnsafePointer<UInt8>
  let channels: Int
  let lineLength: Int

  @inline(__always)
  func bytes(row: Int, column: Int) -> UnsafePointer<UInt8> { x + (row &* lineLength &+ column &* channels) }
}

/// A window of which parts lie beyond the border, or are mirrored there.
private struct BorderWindow<Kernel: Count, Stride: Count>: WindowBytes {
  private let x: UnsafePointer<UInt8>
  /// The distance from `x` to the bytes that stand for pixels beyond the border.
  private let borderDistance: Int
  private let channels: Int
  private let lineLength: Int
  private let rows: UnsafePointer<Int>
  /// The input columns of the four outputs' taps; -1 for those beyond the border.
  private let columns: UnsafePointer<Int>

  @inline(__always)
  init(_ task: borrowing QuantizedDepthwise, row: Int, column: Int) {
    (x, channels) = (task.window.x, task.window.channels)
    borderDistance = Int(bitPattern: task.border) &- Int(bitPattern: task.window.x)
    lineLength = task.window.inputWidth &* task.window.channels
    rows = task.window.rowSources + row &* Kernel.value
    columns = task.window.columnSources + column &* Kernel.value
  }

  @inline(__always)
  func bytes(row: Int, column: Int) -> UnsafePointer<UInt8> {
    // This has no branches, since with many of them the code of the outputs would not be inlined. The first output that sees the
    // column is number (column - kernel) / stride + 1, or 0 if that is negative.
    let behind = (column &- Kernel.value &+ Stride.value) &>> (Stride.value &- 1)
    let output = behind & ~(behind &>> (Int.bitWidth &- 1))
    let source = columns[output &* Kernel.value &+ column &- output &* Stride.value]
    let outside = (rows[row] | source) &>> (Int.bitWidth &- 1)
    let inside = rows[row] &* lineLength &+ source &* channels
    return x + ((inside & ~outside) | (borderDistance & outside))
  }
}

@inline(never)
private func fourOutputs<Kernel: Count, Stride: Count, Bytes: WindowBytes>(
  _: Kernel.Type, _: Stride.Type, _ task: borrowing QuantizedDepthwise, _ bytes: Bytes, row: Int, column: Int
) {
  let channels = task.window.channels
  let (weights, correction, epilogue) = (task.weights, task.correction, task.epilogue)
  let limits = epilogue.activation.limits
  let place = (row &* task.window.outputWidth &+ column) &* channels
  let plainBytes = epilogue.plainBytes.map { $0 + place }
  let (multiplier, offset) = (epilogue.multiplier, epilogue.offset)
  forEachWideVector(0..<channels) { channel, lanes in
    var sums = FourSums<Kernel, Stride, Bytes>(
      bytes: bytes, weights: weights + channel, channels: channels, channel: channel,
      first: .load(correction + channel))
    sums.addColumn(0)
    sums.addColumn(1)
    sums.addColumn(2)
    sums.addColumn(3)
    sums.addColumn(4)
    sums.addColumn(5)
    sums.addColumn(6)
    sums.addColumn(7)
    sums.addColumn(8)
    sums.addColumn(9)
    sums.addColumn(10)
    if let plainBytes {
      let (factor, summand) = (WideVector.load(multiplier + channel), WideVector.load(offset + channel))
      let target = plainBytes + channel
      let (a, b) = (
        (sums.a.floats * factor + summand).limited(0, 255), (sums.b.floats * factor + summand).limited(0, 255)
      )
      WideVector.store(a, bytes: target, b, bytes: target + channels)
      let (c, d) = (
        (sums.c.floats * factor + summand).limited(0, 255), (sums.d.floats * factor + summand).limited(0, 255)
      )
      WideVector.store(c, bytes: target + 2 &* channels, d, bytes: target + 3 &* channels)
    } else {
      let place = place &+ channel
      epilogue.store(sums.a.floats, limits, output: channel, place: place, lanes: lanes)
      epilogue.store(sums.b.floats, limits, output: channel, place: place &+ channels, lanes: lanes)
      epilogue.store(sums.c.floats, limits, output: channel, place: place &+ 2 &* channels, lanes: lanes)
      epilogue.store(sums.d.floats, limits, output: channel, place: place &+ 3 &* channels, lanes: lanes)
    }
  }
}

/// The sums of four neighbouring outputs, for one vector of channels.
private struct FourSums<Kernel: Count, Stride: Count, Bytes: WindowBytes> {
  private(set) var a, b, c, d: IntVector
  private let bytes: Bytes
  private let weights: UnsafePointer<Int32>
  private let channels: Int
  private let channel: Int

  @inline(__always)
  init(bytes: Bytes, weights: UnsafePointer<Int32>, channels: Int, channel: Int, first: IntVector) {
    (self.bytes, self.weights, self.channels, self.channel) = (bytes, weights, channels, channel)
    (a, b, c, d) = (first, first, first, first)
  }

  /// Adds what the outputs see of a column, which is counted from the first one that the first output sees.
  @inline(__always)
  mutating func addColumn(_ column: Int) {
    guard column < Kernel.value &+ 3 &* Stride.value else { return }
    add(pair(0, column), 0, column)
    if Kernel.value == 3 {
      add(row(2, column), 1, column)
    } else {
      add(pair(2, column), 1, column)
      add(row(4, column), 2, column)
    }
  }

  @inline(__always)
  private func row(_ row: Int, _ column: Int) -> IntVector {
    .load(bytes: bytes.bytes(row: row, column: column) + channel)
  }

  /// The bytes of a row and of the next one, as the lower and the upper half of each lane.
  @inline(__always)
  private func pair(_ row: Int, _ column: Int) -> IntVector {
    .pairs(
      bytes.bytes(row: row, column: column) + channel, bytes.bytes(row: row &+ 1, column: column) + channel)
  }

  @inline(__always)
  private mutating func add(_ pairs: IntVector, _ group: Int, _ column: Int) {
    if column < Kernel.value { a.addPairs(pairs, weights(group, column)) }
    if column >= Stride.value, column < Stride.value &+ Kernel.value {
      b.addPairs(pairs, weights(group, column &- Stride.value))
    }
    if column >= 2 &* Stride.value, column < 2 &* Stride.value &+ Kernel.value {
      c.addPairs(pairs, weights(group, column &- 2 &* Stride.value))
    }
    if column >= 3 &* Stride.value { d.addPairs(pairs, weights(group, column &- 3 &* Stride.value)) }
  }

  @inline(__always)
  private func weights(_ group: Int, _ column: Int) -> IntVector {
    .load(weights + (group &* Kernel.value &+ column) &* channels)
  }
}

/// Computes one output position, whatever the size of the window and wherever it lies.
private func position(_ task: borrowing QuantizedDepthwise, row: Int, column: Int) {
  let (kernel, channels) = (task.window.kernel, task.window.channels)
  let rows = task.window.rowSources + row &* kernel
  let columns = task.window.columnSources + column &* kernel
  let (x, border, lineLength) = (task.window.x, task.border, task.window.inputWidth &* task.window.channels)
  let (weights, correction) = (task.weights, task.correction)
  let epilogue = task.epilogue
  let limits = epilogue.activation.limits
  let place = (row &* task.window.outputWidth &+ column) &* channels
  func bytes(_ ky: Int, _ kx: Int) -> UnsafePointer<UInt8> {
    rows[ky] < 0 || columns[kx] < 0 ? border : x + (rows[ky] &* lineLength &+ columns[kx] &* channels)
  }
  forEachWideVector(0..<channels) { channel, lanes in
    var sum = IntVector.load(correction + channel)
    var group = weights + channel
    var ky = 0
    while ky < kernel {
      for kx in 0..<kernel {
        var pairs = IntVector.load(bytes: bytes(ky, kx) + channel, first: lanes)
        if ky &+ 1 < kernel { pairs |= IntVector.load(bytes: bytes(ky &+ 1, kx) + channel, first: lanes) &<< 16 }
        sum.addPairs(pairs, .load(group + kx &* channels))
      }
      group += kernel &* channels
      ky &+= 2
    }
    epilogue.store(sum.floats, limits, output: channel, place: place &+ channel, lanes: lanes)
  }
}
