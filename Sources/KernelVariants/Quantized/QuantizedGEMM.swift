import KernelTasks

// This file is hot: see Products/GEMM.swift, whose structure it follows. Sums are integers, so their order does not matter.

extension Variant {
  package func quantizedShape(weights: ElementType) -> GEMMShape {
    #if TILE_PRODUCTS
      // A tile of weights is read whole, where fewer than its 64 inputs are left.
      let (rowTile, panelsPerTile, readAhead) = (32, 2, 960)
    #else
      let (rowTile, panelsPerTile, readAhead) = (QuantizedTileRows.value, WideVector.width / 8, 0)
    #endif
    #if DOT_PRODUCTS
      let (element, isSplit) = (weights, weights.byteCount == 2)
    #else
      let (element, isSplit) = (ElementType.int16, false)
    #endif
    return GEMMShape(
      rowTile: rowTile, panelWidth: 16, narrowestPanel: 16, panelsPerTile: panelsPerTile, depthGroup: 4,
      element: element, isSplit: isSplit, readAhead: readAhead)
  }

  package func quantizedGEMM(_ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>) {
    #if TILE_PRODUCTS
      if tileGEMM(task, rows: rows, panels: panels) { return }
    #endif
    #if DOT_PRODUCTS
      if task.isWide {
        panelsOfRows(SplitWeights.self, task, rows: rows, panels: panels)
      } else {
        panelsOfRows(ByteWeights.self, task, rows: rows, panels: panels)
      }
    #else
      panelsOfRows(PairWeights.self, task, rows: rows, panels: panels)
    #endif
  }
}

/// How many rows are computed at a time, in whole tiles: as many as stay in the second-level cache while one panel after the other is
/// multiplied with them.
@inline(__always)
func rowsAtOnce(_ depth: Int, tile: Int) -> Int {
  let rows = lesser(greater(393_216 / greater(depth, 1), 96), 384)
  return rows &- rows % tile
}

/// Multiplies some rows at a time with one panel after the other.
private func panelsOfRows<Weights: QuantizedWeights>(
  _: Weights.Type, _ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>
) {
  let most = rowsAtOnce(task.depth, tile: QuantizedTileRows.value)
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

/// Computes all rows for one or two vectors of outputs.
private func stripe<Weights: QuantizedWeights, Columns: Count>(
  _: Weights.Type, _: Columns.Type, _ task: borrowing QuantizedGEMM, rows: Range<Int>, panel: Int
) {
  var row = rows.lowerBound
  while row < rows.upperBound {
    let left = rows.upperBound &- row
    let height = quantizedTileHeight(left)
    let count = lesser(height, left)
    if height == 4 {
      tile(Weights.self, Four.self, Columns.self, task, row: row, count: count, panel: panel)
    } else if height == 8 {
      tile(Weights.self, Eight.self, Columns.self, task, row: row, count: count, panel: panel)
    } else {
      tile(Weights.self, QuantizedTileRows.self, Columns.self, task, row: row, count: count, panel: panel)
    }
    row &+= height
  }
}

private func tile<Weights: QuantizedWeights, Rows: Count, Columns: Count>(
  _: Weights.Type, _: Rows.Type, _: Columns.Type, _ task: borrowing QuantizedGEMM, row: Int, count: Int, panel: Int
) {
  let output = panel &* 16
  let panelBytes = task.taps &* task.depth &* 16 &* Weights.byteCount &* (Weights.isSplit ? 2 : 1)
  var weights = task.panels + panel &* panelBytes
  // The second vector of outputs belongs to the next panel, or is the second half of the same one.
  let second = WideVector.width == 16 ? panelBytes : 32
  var sums = QuantizedTileSums<Rows, Columns>(task.correction + output)
  addTaps(Weights.self, &sums, task, row: row, count: count, &weights, second: second)
  if Weights.isSplit {
    sums.forEach(HighBytes<Columns>(task.correction + output))
    addTaps(Weights.self, &sums, task, row: row, count: count, &weights, second: second)
  }
  finish(&sums, task, row: row, count: count, output: output)
}

/// Adds the products of all taps, and moves `weights` behind what it reads.
@inline(__always)
private func addTaps<Weights: QuantizedWeights, Rows: Count, Columns: Count>(
  _: Weights.Type, _ sums: inout QuantizedTileSums<Rows, Columns>, _ task: borrowing QuantizedGEMM, row: Int,
  count: Int, _ weights: inout UnsafeRawPointer, second: Int
) {
  let (taps, depth) = (task.taps, task.depth)
  for tap in 0..<taps {
    sums.forEach(RowStarts(task, tap: tap, row: row, count: count))
    sums.add(Weights.self, &weights, second: second, depth: depth)
  }
}

/// Finishes the sums of a tile, of which the first `count` rows are wanted, and stores them.
@inline(__always)
func finish<Rows: Count, Columns: Count>(
  _ sums: inout QuantizedTileSums<Rows, Columns>, _ task: borrowing QuantizedGEMM, row: Int, count: Int, output: Int
) {
  let (epilogue, yStride) = (task.epilogue, task.yStride)
  let (left, width) = (task.outputs &- output, Columns.value &* WideVector.width)
  let (place, lanes) = (row &* yStride &+ output, lesser(left, width))
  if lanes & 7 == 0, let bytes = epilogue.plainBytes {
    sums.forEach(ByteEpilogue<Columns>(epilogue, output, bytes + place, stride: yStride, count: count, lanes: lanes))
  } else if lanes == width, epilogue.addsBytes,
    let finishing = ResidualByteEpilogue<Columns>(epilogue, output, place: place, stride: yStride, count: count)
  {
    sums.forEach(finishing)
  } else if lanes == width, epilogue.isHardSwish,
    let finishing = HardSwishEpilogue<Columns>(epilogue, output, place: place, stride: yStride, count: count)
  {
    sums.forEach(finishing)
  } else {
    let limits = epilogue.activation.limits
    // A copy, so that the loop above keeps its sums in registers.
    var stored = sums
    stored.forEachInMemory { index, sums in
      guard index < count else { return }
      epilogue.store(sums, limits, output: output, place: place &+ index &* yStride, outputs: left)
    }
  }
}

/// Sets where the inputs of each row begin for one tap.
private struct RowStarts: QuantizedRowVisitor {
  private let x: UnsafePointer<UInt8>
  private let border: UnsafePointer<UInt8>
  private let stride: Int
  /// The offsets of the tap, from the tile's first row on; nil for rows that are `stride` apart.
  private let offsets: UnsafePointer<Int32>?
  private let taps: Int
  private let row: Int
  /// The tile's last row. Rows beyond it repeat it.
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
