import KernelTasks

// Hot: see Products/GEMM.swift, which this follows. Sums are integers, so their order does not matter.

#if WIDE_VECTORS
  private typealias TileRows = Twelve
#elseif MULTIPLY_ADD
  private typealias TileRows = Six
#else
  private typealias TileRows = Three
#endif

extension Variant {
  package func quantizedShape(weights: ElementType) -> GEMMShape {
    #if DOT_PRODUCTS
      let element = weights
    #else
      let element = ElementType.int16
    #endif
    return GEMMShape(
      rowTile: TileRows.value, panelWidth: 16, narrowestPanel: 16, panelsPerTile: WideVector.width / 8, depthGroup: 4,
      element: element)
  }

  package func quantizedGEMM(_ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>) {
    #if DOT_PRODUCTS
      if !task.isWide { return panelsOfRows(ByteWeights.self, task, rows: rows, panels: panels) }
    #endif
    panelsOfRows(PairWeights.self, task, rows: rows, panels: panels)
  }
}

/// Rows are taken some at a time, so that they stay in the second-level cache while panel after panel is multiplied with them.
private func panelsOfRows<Weights: QuantizedWeights>(
  _: Weights.Type, _ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>
) {
  let most = min(max(393_216 / max(task.depth, 1), 96), 384)
  var start = rows.lowerBound
  while start < rows.upperBound {
    let end = lesser(start &+ most, rows.upperBound)
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      #if WIDE_VECTORS
        if panel &+ 1 < panels.upperBound {
          stripe(Weights.self, Two.self, task, rows: start..<end, panel: panel)
          panel &+= 2
          continue
        }
        stripe(Weights.self, One.self, task, rows: start..<end, panel: panel)
      #else
        stripe(Weights.self, Two.self, task, rows: start..<end, panel: panel)
      #endif
      panel &+= 1
    }
    start = end
  }
}

/// All rows by one or two vectors of outputs.
private func stripe<Weights: QuantizedWeights, Columns: Count>(
  _: Weights.Type, _: Columns.Type, _ task: borrowing QuantizedGEMM, rows: Range<Int>, panel: Int
) {
  var row = rows.lowerBound
  while row < rows.upperBound {
    let left = rows.upperBound &- row
    // The last rows go into lower tiles where a whole one would compute more rows in vain.
    if TileRows.value > 8, left <= 4 {
      tile(Weights.self, Four.self, Columns.self, task, row: row, count: left, panel: panel)
      row &+= 4
    } else if TileRows.value > 8, left <= 8 || left > TileRows.value && left <= 16 {
      tile(Weights.self, Eight.self, Columns.self, task, row: row, count: lesser(8, left), panel: panel)
      row &+= 8
    } else {
      tile(Weights.self, TileRows.self, Columns.self, task, row: row, count: lesser(TileRows.value, left), panel: panel)
      row &+= TileRows.value
    }
  }
}

private func tile<Weights: QuantizedWeights, Rows: Count, Columns: Count>(
  _: Weights.Type, _: Rows.Type, _: Columns.Type, _ task: borrowing QuantizedGEMM, row: Int, count: Int, panel: Int
) {
  let (taps, depth, output) = (task.taps, task.depth, panel &* 16)
  let panelBytes = taps &* depth &* 16 &* Weights.byteCount
  var weights = task.panels + panel &* panelBytes
  // The second vector is another panel's, or the second half of the panel.
  let second = WideVector.width == 16 ? panelBytes : 32
  var sums = TileSums<Rows, Columns>(task.correction + output)
  let (x, border, stride, offsets) = (task.x, task.border, task.xStride, task.offsets)
  for tap in 0..<taps {
    sums.forEach { index, sum in
      let row = row &+ lesser(index, count &- 1)
      guard let offsets else {
        sum.x = UnsafeRawPointer(x + row &* stride)
        return
      }
      let offset = Int(offsets[row &* taps &+ tap])
      sum.x = UnsafeRawPointer(offset < 0 ? border : x + offset)
    }
    var input = 0
    while input < depth {
      sums.forEach { _, sum in
        Weights.add(sum.x.loadUnaligned(fromByteOffset: input, as: Int32.self), weights, second, to: &sum)
      }
      weights += 64 &* Weights.byteCount
      input &+= 4
    }
  }
  let epilogue = task.epilogue
  let limits = epilogue.activation.limits
  let (yStride, lanes) = (task.yStride, task.outputs &- output)
  sums.forEach { index, sum in
    guard index < count else { return }
    let place = (row &+ index) &* yStride &+ output
    epilogue.store(sum.a.floats, limits, output: output, place: place, lanes: lesser(lanes, WideVector.width))
    if Columns.value > 1, lanes > WideVector.width {
      epilogue.store(
        sum.b.floats, limits, output: output &+ WideVector.width, place: place &+ WideVector.width,
        lanes: lesser(lanes &- WideVector.width, WideVector.width))
    }
  }
}

/// The sums of one row of a tile, and where its inputs are.
private struct RowSums<Columns: Count> {
  var x: UnsafeRawPointer
  var a: IntVector
  var b: IntVector
}

private struct TileSums<Rows: Count, Columns: Count> {
  typealias Row = RowSums<Columns>
  private var rows: (Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row)

  /// - Parameter correction: what sums begin with.
  @inline(__always)
  init(_ correction: UnsafePointer<Int32>) {
    let a = IntVector.load(correction)
    let b = Columns.value > 1 ? IntVector.load(correction + WideVector.width) : a
    let row = Row(x: UnsafeRawPointer(correction), a: a, b: b)
    rows = (row, row, row, row, row, row, row, row, row, row, row, row)
  }

  @inline(__always)
  mutating func forEach(_ body: (_ index: Int, _ row: inout Row) -> Void) {
    body(0, &rows.0)
    body(1, &rows.1)
    body(2, &rows.2)
    if Rows.value > 3 { body(3, &rows.3) }
    if Rows.value > 4 {
      body(4, &rows.4)
      body(5, &rows.5)
    }
    if Rows.value > 6 {
      body(6, &rows.6)
      body(7, &rows.7)
    }
    if Rows.value > 8 {
      body(8, &rows.8)
      body(9, &rows.9)
      body(10, &rows.10)
      body(11, &rows.11)
    }
  }
}

/// How weights lie in panels, and what multiplies them with bytes.
private protocol QuantizedWeights {
  static var byteCount: Int { get }
  /// Adds the products of four inputs with the weights of one or two vectors of outputs.
  ///
  /// - Parameter second: from the first vector's weights to the second's, in bytes.
  static func add<Columns: Count>(
    _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout RowSums<Columns>)
}

#if DOT_PRODUCTS
  /// Weights of 8 bits, by dot products of four bytes.
  private enum ByteWeights: QuantizedWeights {
    static var byteCount: Int { 1 }

    @inline(__always)
    static func add<Columns: Count>(
      _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout RowSums<Columns>
    ) {
      let x = IntVector(repeating: x)
      sum.a.addDot(x, .load(weights))
      if Columns.value > 1 { sum.b.addDot(x, .load(weights + second)) }
    }
  }
#endif

/// Weights of 16 bits, by pairs of products: inputs are widened to 16 bits, the first and third, the second and fourth.
private enum PairWeights: QuantizedWeights {
  static var byteCount: Int { 2 }

  @inline(__always)
  static func add<Columns: Count>(
    _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout RowSums<Columns>
  ) {
    let even = IntVector(repeating: x & 0x00ff_00ff)
    let odd = IntVector(repeating: (x &>> 8) & 0x00ff_00ff)
    sum.a.addPairs(even, .load(weights))
    sum.a.addPairs(odd, .load(weights + 64))
    if Columns.value > 1 {
      sum.b.addPairs(even, .load(weights + second))
      sum.b.addPairs(odd, .load(weights + second + 64))
    }
  }
}
