import KernelTasks

/// Rows of a tile: with two vectors of outputs, 12 sums, which with the operands fill 16 registers.
private let tileRows = 6

/// Rows of x that are used with one panel after the other: they stay in the second-level cache.
private func rowsAtOnce(depth: Int) -> Int {
  let fitting = 65536 / max(depth, 1)
  return min(max(fitting, 24), 192) / tileRows * tileRows
}

extension Variant {
  package func product(_ task: borrowing Product, rows: Range<Int>, panels: Range<Int>) {
    var start = rows.lowerBound
    let chunk = rowsAtOnce(depth: task.depth)
    while start < rows.upperBound {
      let end = min(start &+ chunk, rows.upperBound)
      for panel in panels {
        let column = panel &* Product.panelWidth
        let isHalf = task.outputs &- column <= Product.panelWidth / 2
        var row = start
        while row < end {
          let count = min(tileRows, end &- row)
          if isHalf {
            halfTile(task, row: row, count: count, column: column)
          } else {
            tile(task, row: row, count: count, column: column)
          }
          row &+= tileRows
        }
      }
      start = end
    }
  }
}

/// Where the runs of a tile's rows begin, for one tap. Rows beyond the tile's last repeat that one.
@inline(__always)
private func run(_ task: borrowing Product, row: Int, tap: Int) -> UnsafePointer<Float> {
  guard let offsets = task.offsets else { return task.x + row &* task.xStride }
  let offset = Int(offsets[row &* task.taps &+ tap])
  return offset < 0 ? task.zeros : task.x + offset
}

@inline(__always)
private func bias(_ task: borrowing Product, row: Int, column: Int) -> Vector {
  switch task.bias {
  case .shared(let values): return .load(values + column)
  case .grid(let rows, let columns, let width, let first):
    let position = first &+ row
    let stride = task.paddedOutputs
    let (y, x) = (position / width, position % width)
    return Vector.load(rows + (y &* stride &+ column)) + Vector.load(columns + (x &* stride &+ column))
  }
}

/// Adds the residual, applies the activation and stores 8 outputs of a row, or as many as y has.
@inline(__always)
private func finish(_ task: borrowing Product, _ sum: Vector, row: Int, column: Int) {
  let place = row &* task.yStride &+ column
  var value = sum
  guard column &+ 8 <= task.outputs else {
    finishPart(task, sum, place: place, lanes: task.outputs &- column)
    return
  }
  if let residual = task.residual { value += Vector.load(residual + place) }
  value.activated(task.activation).store(to: task.y + place)
}

/// The same at the end of a row, which y ends within the vector or before it.
@inline(never)
private func finishPart(_ task: borrowing Product, _ sum: Vector, place: Int, lanes: Int) {
  guard lanes > 0 else { return }
  var value = sum
  if let residual = task.residual { value += Vector.load(residual + place, first: lanes) }
  value.activated(task.activation).store(to: task.y + place, first: lanes)
}

/// Up to 6 rows by 16 outputs.
private func tile(_ task: borrowing Product, row: Int, count: Int, column: Int) {
  let last = row &+ count &- 1
  let r1 = min(row &+ 1, last)
  let r2 = min(row &+ 2, last)
  let r3 = min(row &+ 3, last)
  let r4 = min(row &+ 4, last)
  let r5 = min(row &+ 5, last)
  var a0 = bias(task, row: row, column: column), b0 = bias(task, row: row, column: column &+ 8)
  var a1 = bias(task, row: r1, column: column), b1 = bias(task, row: r1, column: column &+ 8)
  var a2 = bias(task, row: r2, column: column), b2 = bias(task, row: r2, column: column &+ 8)
  var a3 = bias(task, row: r3, column: column), b3 = bias(task, row: r3, column: column &+ 8)
  var a4 = bias(task, row: r4, column: column), b4 = bias(task, row: r4, column: column &+ 8)
  var a5 = bias(task, row: r5, column: column), b5 = bias(task, row: r5, column: column &+ 8)
  var weights = task.panels + column &* task.taps &* task.depth
  for tap in 0..<task.taps {
    let x0 = run(task, row: row, tap: tap)
    let x1 = run(task, row: r1, tap: tap)
    let x2 = run(task, row: r2, tap: tap)
    let x3 = run(task, row: r3, tap: tap)
    let x4 = run(task, row: r4, tap: tap)
    let x5 = run(task, row: r5, tap: tap)
    for k in 0..<task.depth {
      let w0 = Vector.load(weights)
      let w1 = Vector.load(weights + 8)
      let v0 = Vector(repeating: x0[k])
      a0.add(v0, times: w0)
      b0.add(v0, times: w1)
      let v1 = Vector(repeating: x1[k])
      a1.add(v1, times: w0)
      b1.add(v1, times: w1)
      let v2 = Vector(repeating: x2[k])
      a2.add(v2, times: w0)
      b2.add(v2, times: w1)
      let v3 = Vector(repeating: x3[k])
      a3.add(v3, times: w0)
      b3.add(v3, times: w1)
      let v4 = Vector(repeating: x4[k])
      a4.add(v4, times: w0)
      b4.add(v4, times: w1)
      let v5 = Vector(repeating: x5[k])
      a5.add(v5, times: w0)
      b5.add(v5, times: w1)
      weights += 16
    }
  }
  @inline(__always)
  func finishRow(_ i: Int, _ a: Vector, _ b: Vector) {
    guard i < count else { return }
    finish(task, a, row: row &+ i, column: column)
    finish(task, b, row: row &+ i, column: column &+ 8)
  }
  finishRow(0, a0, b0)
  finishRow(1, a1, b1)
  finishRow(2, a2, b2)
  finishRow(3, a3, b3)
  finishRow(4, a4, b4)
  finishRow(5, a5, b5)
}

/// Up to 6 rows by 8 outputs: the last panel when no more are left.
private func halfTile(_ task: borrowing Product, row: Int, count: Int, column: Int) {
  let last = row &+ count &- 1
  let r1 = min(row &+ 1, last)
  let r2 = min(row &+ 2, last)
  let r3 = min(row &+ 3, last)
  let r4 = min(row &+ 4, last)
  let r5 = min(row &+ 5, last)
  var a0 = bias(task, row: row, column: column)
  var a1 = bias(task, row: r1, column: column)
  var a2 = bias(task, row: r2, column: column)
  var a3 = bias(task, row: r3, column: column)
  var a4 = bias(task, row: r4, column: column)
  var a5 = bias(task, row: r5, column: column)
  var weights = task.panels + column &* task.taps &* task.depth
  for tap in 0..<task.taps {
    let x0 = run(task, row: row, tap: tap)
    let x1 = run(task, row: r1, tap: tap)
    let x2 = run(task, row: r2, tap: tap)
    let x3 = run(task, row: r3, tap: tap)
    let x4 = run(task, row: r4, tap: tap)
    let x5 = run(task, row: r5, tap: tap)
    for k in 0..<task.depth {
      let w = Vector.load(weights)
      a0.add(Vector(repeating: x0[k]), times: w)
      a1.add(Vector(repeating: x1[k]), times: w)
      a2.add(Vector(repeating: x2[k]), times: w)
      a3.add(Vector(repeating: x3[k]), times: w)
      a4.add(Vector(repeating: x4[k]), times: w)
      a5.add(Vector(repeating: x5[k]), times: w)
      weights += 8
    }
  }
  finish(task, a0, row: row, column: column)
  if count > 1 { finish(task, a1, row: row &+ 1, column: column) }
  if count > 2 { finish(task, a2, row: row &+ 2, column: column) }
  if count > 3 { finish(task, a3, row: row &+ 3, column: column) }
  if count > 4 { finish(task, a4, row: row &+ 4, column: column) }
  if count > 5 { finish(task, a5, row: row &+ 5, column: column) }
}
