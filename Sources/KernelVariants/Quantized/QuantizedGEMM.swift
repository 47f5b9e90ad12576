import KernelTasks

// Hot: see Products/GEMM.swift, which this follows. Sums are integers, so their order does not matter.

extension Variant {
  package func quantizedShape(weights: ElementType) -> GEMMShape {
    #if DOT_PRODUCTS
      let element = weights
    #else
      let element = ElementType.int16
    #endif
    return GEMMShape(
      rowTile: QuantizedTileRows.value, panelWidth: 16, narrowestPanel: 16, panelsPerTile: WideVector.width / 8,
      depthGroup: 4,
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
    if QuantizedTileRows.value > 8, left <= 4 {
      tile(Weights.self, Four.self, Columns.self, task, row: row, count: left, panel: panel)
      row &+= 4
    } else if QuantizedTileRows.value > 8, left <= 8 || left > QuantizedTileRows.value && left <= 16 {
      tile(Weights.self, Eight.self, Columns.self, task, row: row, count: lesser(8, left), panel: panel)
      row &+= 8
    } else {
      tile(
        Weights.self, QuantizedTileRows.self, Columns.self, task, row: row,
        count: lesser(QuantizedTileRows.value, left), panel: panel)
      row &+= QuantizedTileRows.value
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
  var sums = QuantizedTileSums<Rows, Columns>(task.correction + output)
  for tap in 0..<taps {
    sums.forEach(RowStarts(task, tap: tap, row: row, count: count))
    sums.add(Weights.self, &weights, second: second, depth: depth)
  }
  let epilogue = task.epilogue
  let (yStride, width) = (task.yStride, Columns.value &* WideVector.width)
  let (place, lanes) = (row &* yStride &+ output, lesser(task.outputs &- output, width))
  if lanes & 7 == 0, let bytes = epilogue.plainBytes {
    sums.forEach(ByteEnd<Columns>(epilogue, output, bytes + place, stride: yStride, count: count, lanes: lanes))
  } else if lanes == width, epilogue.addsBytes,
    let end = AddedByteEnd<Columns>(epilogue, output, place: place, stride: yStride, count: count)
  {
    sums.forEach(end)
  } else if lanes == width, epilogue.isHardSwish,
    let end = HardSwishEnd<Columns>(epilogue, output, place: place, stride: yStride, count: count)
  {
    sums.forEach(end)
  } else {
    let limits = epilogue.activation.limits
    // A copy, so that the loop above keeps its sums in registers.
    var stored = sums
    stored.forEachInMemory { index, sum in
      guard index < count else { return }
      let place = place &+ index &* yStride
      epilogue.store(sum.a.floats, limits, output: output, place: place, lanes: lesser(lanes, WideVector.width))
      if Columns.value > 1, lanes > WideVector.width {
        epilogue.store(
          sum.b.floats, limits, output: output &+ WideVector.width, place: place &+ WideVector.width,
          lanes: lesser(lanes &- WideVector.width, WideVector.width))
      }
    }
  }
}

/// Finds where the rows' inputs of a tap are.
private struct RowStarts: QuantizedRowVisitor {
  private let x: UnsafePointer<UInt8>
  private let border: UnsafePointer<UInt8>
  private let stride: Int
  /// Of the tap and the tile's first row; nil for rows that are `stride` apart.
  private let offsets: UnsafePointer<Int32>?
  private let taps: Int
  private let row: Int
  /// Rows beyond this one of the tile repeat it.
  private let last: Int

  @inline(__always)
  init(_ task: borrowing QuantizedGEMM, tap: Int, row: Int, count: Int) {
    (x, border, stride, taps) = (task.x, task.border, task.xStride, task.taps)
    if let offsets = task.offsets { self.offsets = offsets + (row &* task.taps &+ tap) } else { offsets = nil }
    (self.row, last) = (row, count &- 1)
  }

  @inline(__always)
  func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
    let index = lesser(index, last)
    guard let offsets else {
      row.x = UnsafeRawPointer(x + (self.row &+ index) &* stride)
      return
    }
    let offset = Int(offsets[index &* taps])
    row.x = UnsafeRawPointer(offset < 0 ? border : x + offset)
  }
}
