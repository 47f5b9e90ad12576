import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids. Panels, blocks of rows and what becomes of sums are those of
// Quantized/QuantizedGEMM.swift and Quantized/RowScaledGEMM.swift.

/// Rows that are best computed while they stay in the second-level cache, where all panels read them.
private func rowsAtOnce(_ depth: Int) -> Int { lesser(greater(393_216 / greater(depth, 1), 96), 384) & ~31 }

/// Whether the product is computed: not if its depth does not suit tiles.
func tileGEMM(_ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>) -> Bool {
  guard let step = TileProducts.step(task.depth) else { return false }
  var memory = TileMemory()
  panelsOfRows(step, &memory, task, rows: rows, panels: panels)
  return true
}

private func panelsOfRows(
  _ step: Int, _ memory: UnsafeMutablePointer<TileMemory>, _ task: borrowing QuantizedGEMM, rows: Range<Int>,
  panels: Range<Int>
) {
  let products = TileProducts(depth: task.depth, step: step, taps: task.taps, memory: memory)
  let most = rowsAtOnce(task.depth)
  var start = rows.lowerBound
  while start < rows.upperBound {
    let end = lesser(start &+ most, rows.upperBound)
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      let hasTwoPanels = panel &+ 1 < panels.upperBound
      var row = start
      while row < end {
        let count = lesser(32, end &- row)
        tile(products, task, row: row, count: count, panel: panel, hasTwoPanels: hasTwoPanels)
        row &+= 32
      }
      panel &+= 2
    }
    start = end
  }
  products.release()
}

private func tile(
  _ products: TileProducts, _ task: borrowing QuantizedGEMM, row: Int, count: Int, panel: Int, hasTwoPanels: Bool
) {
  var weights = task.panels + panel &* (task.taps &* task.depth &* 16)
  products.clear()
  for tap in 0..<task.taps {
    let low = TileRows(task, tap: tap, row: row, count: lesser(count, 16))
    let high = count > 16 ? TileRows(task, tap: tap, row: row &+ 16, count: count &- 16) : nil
    products.add(low, high, &weights, hasTwoPanels: hasTwoPanels)
  }
  products.store()
  var start = 0
  while start < count {
    if hasTwoPanels {
      finish(Two.self, products.stored(from: start), task, row: row &+ start, count: lesser(8, count &- start), panel)
    } else {
      finish(One.self, products.stored(from: start), task, row: row &+ start, count: lesser(8, count &- start), panel)
    }
    start &+= 8
  }
}

private func finish<Columns: Count>(
  _: Columns.Type, _ stored: StoredSums, _ task: borrowing QuantizedGEMM, row: Int, count: Int, _ panel: Int
) {
  var sums = QuantizedTileSums<Eight, Columns>(task.correction + panel &* 16)
  sums.forEach(stored)
  finish(&sums, task, row: row, count: count, output: panel &* 16)
}

/// Whether the product is computed: not if its depth does not suit tiles.
func tileGEMM(_ task: borrowing RowScaledGEMM, rows: Range<Int>) -> Bool {
  guard let step = TileProducts.step(task.depth) else { return false }
  var memory = TileMemory()
  panels(step, &memory, task, rows: rows)
  return true
}

private func panels(
  _ step: Int, _ memory: UnsafeMutablePointer<TileMemory>, _ task: borrowing RowScaledGEMM, rows: Range<Int>
) {
  let products = TileProducts(depth: task.depth, step: step, taps: 1, memory: memory)
  var output = 0
  while output < task.paddedOutputs {
    let hasTwoPanels = output &+ 32 <= task.paddedOutputs
    var row = rows.lowerBound
    while row < rows.upperBound {
      let count = lesser(32, rows.upperBound &- row)
      tile(products, task, row: row, count: count, output: output, hasTwoPanels: hasTwoPanels)
      row &+= 32
    }
    output &+= 32
  }
  products.release()
}

private func tile(
  _ products: TileProducts, _ task: borrowing RowScaledGEMM, row: Int, count: Int, output: Int, hasTwoPanels: Bool
) {
  var weights = task.panels + output &* task.depth
  let x = task.x + row &* task.xStride
  products.clear()
  let low = TileRows(x: x, stride: task.xStride, count: lesser(count, 16))
  let high =
    count > 16 ? TileRows(x: x + 16 &* task.xStride, stride: task.xStride, count: count &- 16) : nil
  products.add(low, high, &weights, hasTwoPanels: hasTwoPanels)
  products.store()
  var start = 0
  while start < count {
    let left = lesser(8, count &- start)
    if hasTwoPanels {
      finish(Two.self, products.stored(from: start), task, row: row &+ start, count: left, output)
    } else {
      finish(One.self, products.stored(from: start), task, row: row &+ start, count: left, output)
    }
    start &+= 8
  }
}

private func finish<Columns: Count>(
  _: Columns.Type, _ stored: StoredSums, _ task: borrowing RowScaledGEMM, row: Int, count: Int, _ output: Int
) {
  var sums = QuantizedTileSums<Eight, Columns>(task.correction + output)
  sums.forEach(stored)
  sums.forEach(RowScaledEpilogue<Columns>(task, row: row, count: count, output: output))
}
