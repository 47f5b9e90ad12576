import KernelTasks

// This file is hot: see Products/GEMM.swift. The tiles are those of QuantizedGEMM.swift.

extension Variant {
  package func rowScaledGEMM(_ task: borrowing RowScaledGEMM, rows: Range<Int>) {
    #if TILE_PRODUCTS
      if tileGEMM(task, rows: rows) { return }
    #endif
    #if DOT_PRODUCTS
      panels(ByteWeights.self, task, rows: rows)
    #else
      panels(PairWeights.self, task, rows: rows)
    #endif
  }
}

private func panels<Weights: QuantizedWeights>(
  _: Weights.Type, _ task: borrowing RowScaledGEMM, rows: Range<Int>
) {
  var output = 0
  while output < task.paddedOutputs {
    #if WIDE_VECTORS
      if output &+ 32 <= task.paddedOutputs {
        stripe(Weights.self, Two.self, task, rows: rows, output: output)
        output &+= 32
        continue
      }
      stripe(Weights.self, One.self, task, rows: rows, output: output)
    #else
      stripe(Weights.self, Two.self, task, rows: rows, output: output)
    #endif
    output &+= 16
  }
}

/// Computes all rows for one or two vectors of outputs. QuantizedGEMM.swift has the same loop for its own task: one for both
/// needs a protocol that the tasks conform to, and a C struct's conformance has functions whose names all builds share.
private func stripe<Weights: QuantizedWeights, Columns: Count>(
  _: Weights.Type, _: Columns.Type, _ task: borrowing RowScaledGEMM, rows: Range<Int>, output: Int
) {
  var row = rows.lowerBound
  while row < rows.upperBound {
    let left = rows.upperBound &- row
    let height = quantizedTileHeight(left)
    let count = lesser(height, left)
    if height == 4 {
      tile(Weights.self, Four.self, Columns.self, task, row: row, count: count, output: output)
    } else if height == 8 {
      tile(Weights.self, Eight.self, Columns.self, task, row: row, count: count, output: output)
    } else {
      tile(Weights.self, QuantizedTileRows.self, Columns.self, task, row: row, count: count, output: output)
    }
    row &+= height
  }
}

private func tile<Weights: QuantizedWeights, Rows: Count, Columns: Count>(
  _: Weights.Type, _: Rows.Type, _: Columns.Type, _ task: borrowing RowScaledGEMM, row: Int, count: Int, output: Int
) {
  let panelBytes = task.depth &* 16 &* Weights.byteCount
  var weights = task.panels + output / 16 &* panelBytes
  // The second vector of outputs belongs to the next panel, or is the second half of the same one.
  let second = WideVector.width == 16 ? panelBytes : 32
  var sums = QuantizedTileSums<Rows, Columns>(task.correction + output)
  sums.forEach(RowPlaces(task, row: row, count: count))
  sums.add(Weights.self, &weights, second: second, depth: task.depth)
  sums.forEach(RowScaledEpilogue<Columns>(task, row: row, count: count, output: output))
}

private struct RowPlaces: QuantizedRowVisitor {
  private let x: UnsafePointer<UInt8>
  private let stride: Int
  /// The tile's last row. Rows beyond it repeat it.
  private let last: Int

  @inline(__always)
  init(_ task: borrowing RowScaledGEMM, row: Int, count: Int) {
    (x, stride, last) = (task.x + row &* task.xStride, task.xStride, count &- 1)
  }

  @inline(__always)
  func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
    row.x = UnsafeRawPointer(x + lesser(index, last) &* stride)
  }
}

struct RowScaledEpilogue<Columns: Count>: QuantizedRowVisitor {
  private let multiplier: TileVectors
  private let scales: UnsafePointer<Float>
  private var bias: RowBiasWalk
  private let limits: (low: Float, high: Float)
  private let y: UnsafeMutablePointer<Float>
  private let stride, count: Int

  @inline(__always)
  init(_ task: borrowing RowScaledGEMM, row: Int, count: Int, output: Int) {
    multiplier = TileVectors(Columns.self, task.multiplier + output)
    scales = task.scales + row
    bias = RowBiasWalk(task, row: row, output: output)
    limits = task.activation.limits
    (y, stride, self.count) = (task.y + (row &* task.yStride &+ output), task.yStride, count)
  }

  @inline(__always)
  mutating func visit<C: Count>(_ index: Int, _ row: inout QuantizedRowSums<C>) {
    guard index < count else { return }
    let (target, scale) = (y + index &* stride, scales[index])
    (row.a.floats * multiplier.a * scale + bias.vector(0)).limited(limits.low, limits.high).store(to: target)
    if Columns.value > 1 {
      (row.b.floats * multiplier.b * scale + bias.vector(WideVector.width)).limited(limits.low, limits.high)
        .store(to: target + WideVector.width)
    }
    bias.advance()
  }
}

/// Walks through the biases of a tile's rows, in the order of the rows.
private struct RowBiasWalk {
  private var row: UnsafePointer<Float>
  private var column: UnsafePointer<Float>?
  private let firstColumn: UnsafePointer<Float>?
  private let stride: Int
  private let width: Int
  private var x: Int

  @inline(__always)
  init(_ task: borrowing RowScaledGEMM, row: Int, output: Int) {
    (stride, width) = (task.paddedOutputs, task.bias.width)
    guard let columns = task.bias.columns else {
      (self.row, column, firstColumn, x) = (task.bias.rows + output, nil, nil, 0)
      return
    }
    let position = task.bias.first &+ row
    let y = position / width
    x = position &- y &* width
    self.row = task.bias.rows + (y &* stride &+ output)
    firstColumn = columns + output
    column = columns + (x &* stride &+ output)
  }

  @inline(__always)
  func vector(_ start: Int) -> WideVector {
    guard let column else { return .load(row + start) }
    return .load(row + start) + .load(column + start)
  }

  /// Moves to the next row of x, which is the next position of the grid.
  @inline(__always)
  mutating func advance() {
    guard let place = column else { return }
    x &+= 1
    column = place + stride
    if x == width {
      (x, column) = (0, firstColumn)
      row += stride
    }
  }
}
