import KernelTasks

/// Six vectors, a row or a column of a tile.
private typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
private typealias Four = (Vector, Vector, Vector, Vector)

/// B^T d for the points 0, 1, -1, 2, -2 and infinity.
@inline(__always)
private func transformed(_ d: Six) -> Six {
  let a = d.4 - 4 * d.2
  let b = d.3 - 4 * d.1
  let c = d.4 - d.2
  let e = 2 * (d.3 - d.1)
  return (4 * d.0 - 5 * d.2 + d.4, a + b, a - b, c + e, c - e, 4 * d.1 - 5 * d.3 + d.5)
}

/// A^T m.
@inline(__always)
private func collected(_ m: Six) -> Four {
  let a = m.1 + m.2
  let b = m.1 - m.2
  let c = m.3 + m.4
  let d = m.3 - m.4
  return (m.0 + a + c, b + 2 * d, a + 4 * c, b + 8 * d + m.5)
}

extension Variant {
  package func winogradInput(_ task: WinogradInput, tiles: Range<Int>) {
    for tile in tiles {
      let place = task.firstTile &+ tile
      let rows = task.rowSources + place / task.tileColumns &* 6
      let columns = task.columnSources + place % task.tileColumns &* 6
      let target = task.transformed + tile &* task.channels
      forEachVector(count: task.channels) { channel, lanes in
        @inline(__always)
        func load(_ row: Int, _ column: Int) -> Vector {
          if row < 0 || column < 0 { return Vector() }
          return .load(task.x + ((row &* task.width &+ column) &* task.channels &+ channel), first: lanes)
        }
        @inline(__always)
        func line(_ row: Int) -> Six {
          transformed(
            (
              load(row, columns[0]), load(row, columns[1]), load(row, columns[2]), load(row, columns[3]),
              load(row, columns[4]), load(row, columns[5])
            ))
        }
        let l0 = line(rows[0])
        let l1 = line(rows[1])
        let l2 = line(rows[2])
        let l3 = line(rows[3])
        let l4 = line(rows[4])
        let l5 = line(rows[5])
        @inline(__always)
        func store(_ column: Int, _ d: Six) {
          let t = transformed(d)
          let start = target + (column &* task.matrixStride &+ channel)
          let step = 6 &* task.matrixStride
          t.0.store(to: start, first: lanes)
          t.1.store(to: start + step, first: lanes)
          t.2.store(to: start + 2 &* step, first: lanes)
          t.3.store(to: start + 3 &* step, first: lanes)
          t.4.store(to: start + 4 &* step, first: lanes)
          t.5.store(to: start + 5 &* step, first: lanes)
        }
        store(0, (l0.0, l1.0, l2.0, l3.0, l4.0, l5.0))
        store(1, (l0.1, l1.1, l2.1, l3.1, l4.1, l5.1))
        store(2, (l0.2, l1.2, l2.2, l3.2, l4.2, l5.2))
        store(3, (l0.3, l1.3, l2.3, l3.3, l4.3, l5.3))
        store(4, (l0.4, l1.4, l2.4, l3.4, l4.4, l5.4))
        store(5, (l0.5, l1.5, l2.5, l3.5, l4.5, l5.5))
      }
    }
  }
}

extension Variant {
  package func winogradOutput(_ task: WinogradOutput, tiles: Range<Int>) {
    for tile in tiles {
      let place = task.firstTile &+ tile
      let firstRow = place / task.tileColumns &* 4
      let firstColumn = place % task.tileColumns &* 4
      let rowCount = min(4, task.height &- firstRow)
      let columnCount = min(4, task.width &- firstColumn)
      let source = task.products + tile &* task.channels
      forEachVector(count: task.channels) { channel, lanes in
        @inline(__always)
        func line(_ row: Int) -> Four {
          let start = source + (row &* 6 &* task.matrixStride &+ channel)
          let step = task.matrixStride
          return collected(
            (
              .load(start, first: lanes), .load(start + step, first: lanes), .load(start + 2 &* step, first: lanes),
              .load(start + 3 &* step, first: lanes), .load(start + 4 &* step, first: lanes),
              .load(start + 5 &* step, first: lanes)
            ))
        }
        let l0 = line(0)
        let l1 = line(1)
        let l2 = line(2)
        let l3 = line(3)
        let l4 = line(4)
        let l5 = line(5)
        let bias = Vector.load(task.bias + channel, first: lanes)
        @inline(__always)
        func store(_ column: Int, _ m: Six) {
          guard column < columnCount else { return }
          let s = collected(m)
          @inline(__always)
          func store(_ row: Int, _ sum: Vector) {
            guard row < rowCount else { return }
            let place = ((firstRow &+ row) &* task.width &+ firstColumn &+ column) &* task.channels &+ channel
            var value = sum + bias
            if let residual = task.residual { value += Vector.load(residual + place, first: lanes) }
            value.activated(task.activation).store(to: task.y + place, first: lanes)
          }
          store(0, s.0)
          store(1, s.1)
          store(2, s.2)
          store(3, s.3)
        }
        store(0, (l0.0, l1.0, l2.0, l3.0, l4.0, l5.0))
        store(1, (l0.1, l1.1, l2.1, l3.1, l4.1, l5.1))
        store(2, (l0.2, l1.2, l2.2, l3.2, l4.2, l5.2))
        store(3, (l0.3, l1.3, l2.3, l3.3, l4.3, l5.3))
      }
    }
  }
}
