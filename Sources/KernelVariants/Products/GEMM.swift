import CProcessor
import KernelTasks

// This file is hot. Nothing here may allocate, copy a task, or call a generic function of the standard library that is not inlined
// away; `lesser` is there for `min`, which is not always, and `make lib` looks at the objects. A tile's height and width are types, so that the compiler specialises each tile.

#if WIDE_VECTORS
  /// The rows of a tile. With two vectors of outputs there are 24 sums, which with the operands fit 32 registers.
  private typealias TileRows = Twelve
#else
  /// The rows of a tile. With two vectors of outputs there are 12 sums, which with the operands fill 16 registers.
  private typealias TileRows = Six
#endif

/// The pieces into which products are cut.
enum Tile {
  static var panelWidth: Int { 16 }
  /// A multiple of every tile's height.
  static var rowMultiple: Int { 12 }
  /// How many products are summed before the sum is added to the total. That addition takes as long as five products,
  /// and is left out for sums that are not longer.
  static var runLength: Int { 32 }
}

/// How many rows to compute at once. They should stay in the second-level cache while they are multiplied by one panel after the
/// other. But all weights are read again for each such part, so too few rows cost more than rows that do not stay in that cache.
private func rowsAtOnce(_ rows: Int, depth: Int) -> Int {
  let most = lesser(greater(196_608 / greater(depth, 1), 96), 192)
  let cuts = (rows &+ most &- 1) / most
  return ((rows &+ cuts &- 1) / cuts &+ Tile.rowMultiple &- 1) / Tile.rowMultiple &* Tile.rowMultiple
}

extension Variant {
  package var gemmShape: GEMMShape {
    GEMMShape(rowTile: Tile.rowMultiple, panelWidth: Tile.panelWidth, narrowestPanel: Vector.width, panelsPerTile: 2)
  }

  package func gemm(_ task: borrowing GEMM, rows: Range<Int>, panels: Range<Int>) {
    guard !rows.isEmpty else { return }
    let end = lesser(panels.upperBound &* Tile.panelWidth, task.paddedOutputs)
    let pair = 2 &* WideVector.width
    var start = rows.lowerBound
    let chunk = rowsAtOnce(rows.count, depth: task.depth)
    while start < rows.upperBound {
      let chunkRows = start..<lesser(start &+ chunk, rows.upperBound)
      var column = panels.lowerBound &* Tile.panelWidth
      while column < end {
        let left = end &- column
        if left < Tile.panelWidth {
          stripe(Vector.self, One.self, task, rows: chunkRows, column: column)
          column = end
        } else if left < pair {
          stripe(WideVector.self, One.self, task, rows: chunkRows, column: column)
          column &+= WideVector.width
        } else {
          stripe(WideVector.self, Two.self, task, rows: chunkRows, column: column)
          column &+= pair
        }
      }
      start = chunkRows.upperBound
    }
  }
}

/// Computes all rows for one or two vectors of outputs.
private func stripe<V: FloatVector, Columns: Count>(
  _ vector: V.Type, _ columns: Columns.Type, _ task: borrowing GEMM, rows: Range<Int>, column: Int
) {
  if task.taps &* task.depth > Tile.runLength {
    stripe(vector, columns, Two.self, task, rows: rows, column: column)
  } else {
    stripe(vector, columns, One.self, task, rows: rows, column: column)
  }
}

/// Computes all rows, for sums of one run or of more.
private func stripe<V: FloatVector, Columns: Count, Runs: Count>(
  _: V.Type, _: Columns.Type, _: Runs.Type, _ task: borrowing GEMM, rows: Range<Int>, column: Int
) {
  // Each tile fetches an equal part of the weights that the next tiles need.
  let width = Columns.value &* V.width
  let step = lesser(greater(width &* TileRows.value / rows.count, 1), width)
  var ahead = task.panels + (column &+ width) &* task.taps &* task.depth
  if let next = task.next { ahead = next }
  var row = rows.lowerBound
  while row < rows.upperBound {
    let left = rows.upperBound &- row
    // The last rows use a lower tile where a whole one would compute too many rows in vain.
    if TileRows.value > 8, left <= 4 {
      tile(V.self, Four.self, Columns.self, Runs.self, task, row: row, count: left, column: column, ahead, step)
      row &+= 4
    } else if TileRows.value > 8, left <= 8 || left > TileRows.value && left <= 16 {
      tile(
        V.self, Eight.self, Columns.self, Runs.self, task, row: row, count: lesser(8, left), column: column, ahead, step
      )
      row &+= 8
    } else {
      let count = lesser(TileRows.value, left)
      tile(V.self, TileRows.self, Columns.self, Runs.self, task, row: row, count: count, column: column, ahead, step)
      row &+= TileRows.value
    }
    ahead += step &* task.taps &* task.depth
  }
}

/// Computes up to `Rows` rows for one or two vectors of outputs. With every input it fetches one cache line of the memory that
/// begins at `ahead`; these lines are `aheadStep` floats apart.
private func tile<V: FloatVector, Rows: Count, Columns: Count, Runs: Count>(
  _: V.Type, _: Rows.Type, _: Columns.Type, _: Runs.Type, _ task: borrowing GEMM, row: Int, count: Int, column: Int,
  _ ahead: UnsafePointer<Float>, _ aheadStep: Int
) {
  var ahead = ahead
  typealias Sums = RowSums<V, Columns, Runs>
  let last = count &- 1
  var s0 = Sums(0), s1 = Sums(lesser(1, last)), s2 = Sums(lesser(2, last)), s3 = Sums(lesser(3, last))
  var (s4, s5, s6, s7, s8, s9, s10, s11) = (s0, s0, s0, s0, s0, s0, s0, s0)
  if Rows.value > 4 { (s4, s5) = (Sums(lesser(4, last)), Sums(lesser(5, last))) }
  if Rows.value > 6 { (s6, s7) = (Sums(lesser(6, last)), Sums(lesser(7, last))) }
  if Rows.value > 8 {
    (s8, s9, s10, s11) = (Sums(lesser(8, last)), Sums(lesser(9, last)), Sums(lesser(10, last)), Sums(lesser(11, last)))
  }
  // The weights of one input are the vectors of one panel, or a vector of each of two panels.
  let step = lesser(Tile.panelWidth, task.paddedOutputs &- column)
  let second = V.width < Tile.panelWidth ? V.width : Tile.panelWidth &* task.taps &* task.depth
  var weights = task.panels + column &* task.taps &* task.depth
  var untilTotal = Tile.runLength
  for tap in 0..<task.taps {
    let (x0, x1, x2) = (s0.run(task, row, tap), s1.run(task, row, tap), s2.run(task, row, tap))
    let x3 = s3.run(task, row, tap)
    let (x4, x5) = Rows.value > 4 ? (s4.run(task, row, tap), s5.run(task, row, tap)) : (x0, x0)
    let (x6, x7) = Rows.value > 6 ? (s6.run(task, row, tap), s7.run(task, row, tap)) : (x0, x0)
    let (x8, x9) = Rows.value > 8 ? (s8.run(task, row, tap), s9.run(task, row, tap)) : (x0, x0)
    let (x10, x11) = Rows.value > 8 ? (s10.run(task, row, tap), s11.run(task, row, tap)) : (x0, x0)
    var done = 0
    while done < task.depth {
      let end = Runs.value > 1 ? lesser(done &+ untilTotal, task.depth) : task.depth
      for k in done..<end {
        cflowad_processor_prefetch(ahead)
        ahead += aheadStep
        let w0 = V.load(weights)
        let w1 = Columns.value > 1 ? V.load(weights + second) : w0
        s0.add(x0[k], w0, w1)
        s1.add(x1[k], w0, w1)
        s2.add(x2[k], w0, w1)
        s3.add(x3[k], w0, w1)
        if Rows.value > 4 {
          s4.add(x4[k], w0, w1)
          s5.add(x5[k], w0, w1)
        }
        if Rows.value > 6 {
          s6.add(x6[k], w0, w1)
          s7.add(x7[k], w0, w1)
        }
        if Rows.value > 8 {
          s8.add(x8[k], w0, w1)
          s9.add(x9[k], w0, w1)
          s10.add(x10[k], w0, w1)
          s11.add(x11[k], w0, w1)
        }
        weights += step
      }
      if Runs.value > 1 {
        untilTotal &-= end &- done
        if untilTotal == 0 {
          untilTotal = Tile.runLength
          s0.endRun()
          s1.endRun()
          s2.endRun()
          s3.endRun()
          if Rows.value > 4 {
            s4.endRun()
            s5.endRun()
          }
          if Rows.value > 6 {
            s6.endRun()
            s7.endRun()
          }
          if Rows.value > 8 {
            s8.endRun()
            s9.endRun()
            s10.endRun()
            s11.endRun()
          }
        }
      }
      done = end
    }
  }
  let end = TileEpilogue(task, row: row, count: count, column: column, width: Columns.value &* V.width)
  end.store(s0, 0)
  end.store(s1, 1)
  end.store(s2, 2)
  end.store(s3, 3)
  if Rows.value > 4 {
    end.store(s4, 4)
    end.store(s5, 5)
  }
  if Rows.value > 6 {
    end.store(s6, 6)
    end.store(s7, 7)
  }
  if Rows.value > 8 {
    end.store(s8, 8)
    end.store(s9, 9)
    end.store(s10, 10)
    end.store(s11, 11)
  }
  end.activate(task.activation)
}

/// The sums of one row of a tile: those of the current run, and the total of the runs before. Rows beyond the tile's
/// last one repeat it.
private struct RowSums<V: FloatVector, Columns: Count, Runs: Count> {
  /// The row, counted from the tile's first.
  let row: Int
  private var a = V(repeating: 0)
  private var b = V(repeating: 0)
  private var totalA = V(repeating: 0)
  private var totalB = V(repeating: 0)

  @inline(__always)
  init(_ row: Int) { self.row = row }

  /// The sums of all runs.
  @inline(__always)
  var sums: (a: V, b: V) { Runs.value > 1 ? (totalA + a, totalB + b) : (a, b) }

  /// The start of the row's run for one tap.
  @inline(__always)
  func run(_ task: borrowing GEMM, _ first: Int, _ tap: Int) -> UnsafePointer<Float> {
    guard let offsets = task.offsets else { return task.x + (first &+ row) &* task.xStride }
    let offset = Int(offsets[(first &+ row) &* task.taps &+ tap])
    return offset < 0 ? task.zeros : task.x + offset
  }

  @inline(__always)
  mutating func add(_ x: Float, _ w0: V, _ w1: V) {
    let x = V(repeating: x)
    a.add(x, times: w0)
    if Columns.value > 1 { b.add(x, times: w1) }
  }

  @inline(__always)
  mutating func endRun() {
    totalA += a
    a = V(repeating: 0)
    if Columns.value > 1 {
      totalB += b
      b = V(repeating: 0)
    }
  }
}

/// The bias of a tile's rows: one vector for all of them, or the sum of two vectors for each.
private struct TileBias {
  private let shared: UnsafePointer<Float>?
  private let rows: UnsafePointer<Float>
  private let columns: UnsafePointer<Float>
  private let stride: Int
  private let width: Int
  /// The first row's place in the grid.
  private let y: Int
  private let x: Int

  @inline(__always)
  init(_ task: borrowing GEMM, row: Int, column: Int) {
    stride = task.paddedOutputs
    rows = task.bias.rows + column
    guard let columns = task.bias.columns else {
      shared = rows
      (self.columns, width, y, x) = (rows, 1, 0, 0)
      return
    }
    shared = nil
    (self.columns, width) = (columns + column, task.bias.width)
    (y, x) = ((task.bias.first &+ row) / width, (task.bias.first &+ row) % width)
  }

  /// The bias of a row for a vector of columns.
  @inline(__always)
  func vector<V: FloatVector>(_ row: Int, _ column: Int) -> V {
    if let shared { return .load(shared + column) }
    var (y, x) = (y, x &+ row)
    while x >= width { (y, x) = (y &+ 1, x &- width) }
    return .load(rows + (y &* stride &+ column)) + .load(columns + (x &* stride &+ column))
  }
}

/// The epilogue of a tile: scale, bias, residual and activation of its sums, which it stores into the columns that y has.
private struct TileEpilogue {
  private let scale: UnsafePointer<Float>?
  private let bias: TileBias
  private let y: UnsafeMutablePointer<Float>
  private let residual: UnsafePointer<Float>?
  private let stride: Int
  private let count: Int
  /// How many of the tile's columns y has.
  private let columns: Int
  private let low: Float
  private let high: Float

  @inline(__always)
  init(_ task: borrowing GEMM, row: Int, count: Int, column: Int, width: Int) {
    let place = row &* task.yStride &+ column
    scale = task.scale.map { $0 + column }
    bias = TileBias(task, row: row, column: column)
    y = task.y + place
    residual = task.residual.map { $0 + place }
    stride = task.yStride
    self.count = count
    columns = lesser(width, task.outputs &- column)
    (low, high) = task.activation.limits
  }

  /// Stores a row. Activations that only limit values are applied here, the others by ``activate(_:)``.
  @inline(__always)
  func store<V: FloatVector, Columns: Count, Runs: Count>(_ row: RowSums<V, Columns, Runs>, _ index: Int) {
    guard index < count else { return }
    let (a, b) = row.sums
    store(finished(a, index, 0), index &* stride, columns)
    if Columns.value > 1 { store(finished(b, index, V.width), index &* stride &+ V.width, columns &- V.width) }
  }

  /// The sums of a row for a vector of columns, with scale and bias.
  @inline(__always)
  private func finished<V: FloatVector>(_ sum: V, _ row: Int, _ column: Int) -> V {
    var value: V = bias.vector(row, column)
    if let scale { value.add(sum, times: .load(scale + column)) } else { value += sum }
    return value
  }

  @inline(__always)
  private func store<V: FloatVector>(_ sum: V, _ place: Int, _ lanes: Int) {
    guard lanes >= V.width else {
      storePart(sum, place, lanes)
      return
    }
    var value = sum
    if let residual { value += .load(residual + place) }
    value.limited(low, high).store(to: y + place)
  }

  /// Stores a vector of which y has only the first lanes.
  @inline(never)
  private func storePart<V: FloatVector>(_ sum: V, _ place: Int, _ lanes: Int) {
    for lane in 0..<greater(lanes, 0) {
      let value = sum[lane] + (residual.map { $0[place &+ lane] } ?? 0)
      y[place &+ lane] = value < low ? low : value > high ? high : value
    }
  }

  /// Applies an activation that is more than a limit to what was stored.
  @inline(__always)
  func activate(_ activation: Activation) {
    if activation.isLimit { return }
    for row in 0..<count { applyActivation(activation, to: y + row &* stride, count: columns) }
  }
}
