import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids. Panels, blocks of rows and what becomes of sums are those of
// Quantized/QuantizedGEMM.swift and Quantized/RowScaledGEMM.swift.

/// Whether the product is computed: not if it has too few inputs.
func tileGEMM(_ task: borrowing QuantizedGEMM, rows: Range<Int>, panels: Range<Int>) -> Bool {
  guard task.depth >= TileProducts.leastDepth else { return false }
  var memory = TileMemory()
  panelsOfRows(&memory, task, rows: rows, panels: panels)
  return true
}

private func panelsOfRows(
  _ memory: UnsafeMutablePointer<TileMemory>, _ task: borrowing QuantizedGEMM, rows: Range<Int>,
  panels: Range<Int>
) {
  let products = TileProducts(TileSource(task), depth: task.depth, memory: memory)
  let partBytes = task.taps &* task.depth &* 16
  let panelBytes = task.isWide ? 2 &* partBytes : partBytes
  let most = rowsAtOnce(task.depth, tile: 32)
  var start = rows.lowerBound
  while start < rows.upperBound {
    let end = lesser(start &+ most, rows.upperBound)
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      let weights = task.panels + panel &* panelBytes
      let hasTwoPanels = panel &+ 1 < panels.upperBound
      var row = start
      while row < end {
        let count = lesser(32, end &- row)
        products.sum(row: row, count: count, weights, second: hasTwoPanels ? panelBytes : nil)
        if task.isWide {
          products.addLowBytes(row: row, count: count, weights + partBytes, second: hasTwoPanels ? panelBytes : nil)
        }
        if hasTwoPanels {
          finish(Two.self, products, task, row: row, count: count, output: panel &* 16)
        } else {
          finish(One.self, products, task, row: row, count: count, output: panel &* 16)
        }
        row &+= 32
      }
      panel &+= 2
    }
    start = end
  }
  products.release()
}

private func finish<Columns: Count>(
  _: Columns.Type, _ products: TileProducts, _ task: borrowing QuantizedGEMM, row: Int, count: Int, output: Int
) {
  var start = 0
  while start < count {
    var sums = QuantizedTileSums<Eight, Columns>(task.correction + output)
    sums.forEach(products.sums(from: start))
    finish(&sums, task, row: row &+ start, count: lesser(8, count &- start), output: output)
    start &+= 8
  }
}

/// Whether the product is computed: not if it has too few inputs.
func tileGEMM(_ task: borrowing RowScaledGEMM, rows: Range<Int>) -> Bool {
  guard task.depth >= TileProducts.leastDepth else { return false }
  var memory = TileMemory()
  panels(&memory, task, rows: rows)
  return true
}

private func panels(
  _ memory: UnsafeMutablePointer<TileMemory>, _ task: borrowing RowScaledGEMM, rows: Range<Int>
) {
  let products = TileProducts(TileSource(task), depth: task.depth, memory: memory)
  var output = 0
  while output < task.paddedOutputs {
    let weights = task.panels + output &* task.depth
    let hasTwoPanels = output &+ 32 <= task.paddedOutputs
    var row = rows.lowerBound
    while row < rows.upperBound {
      let count = lesser(32, rows.upperBound &- row)
      products.sum(row: row, count: count, weights, second: hasTwoPanels ? task.depth &* 16 : nil)
      if hasTwoPanels {
        finish(Two.self, products, task, row: row, count: count, output: output)
      } else {
        finish(One.self, products, task, row: row, count: count, output: output)
      }
      row &+= 32
    }
    output &+= 32
  }
  products.release()
}

private func finish<Columns: Count>(
  _: Columns.Type, _ products: TileProducts, _ task: borrowing RowScaledGEMM, row: Int, count: Int, output: Int
) {
  var start = 0
  while start < count {
    var sums = QuantizedTileSums<Eight, Columns>(task.correction + output)
    sums.forEach(products.sums(from: start))
    let left = lesser(8, count &- start)
    sums.forEach(RowScaledEpilogue<Columns>(task, row: row &+ start, count: left, output: output))
    start &+= 8
  }
}
