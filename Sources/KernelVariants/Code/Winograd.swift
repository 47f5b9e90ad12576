import KernelTasks

/// Six vectors, a row or a column of a tile.
private typealias SixVectors = (
  WideVector, WideVector, WideVector, WideVector, WideVector, WideVector
)
private typealias FourVectors = (WideVector, WideVector, WideVector, WideVector)

/// B^T d for the points 0, 1, -1, 2, -2 and infinity.
@inline(__always)
private func transformed(_ d: SixVectors) -> SixVectors {
  let a = d.4 - 4 * d.2
  let b = d.3 - 4 * d.1
  let c = d.4 - d.2
  let e = 2 * (d.3 - d.1)
  return (4 * d.0 - 5 * d.2 + d.4, a + b, a - b, c + e, c - e, 4 * d.1 - 5 * d.3 + d.5)
}

/// A^T m.
@inline(__always)
private func collected(_ m: SixVectors) -> FourVectors {
  let a = m.1 + m.2
  let b = m.1 - m.2
  let c = m.3 + m.4
  let d = m.3 - m.4
  return (m.0 + a + c, b + 2 * d, a + 4 * c, b + 8 * d + m.5)
}

/// Where the 6 x 6 inputs of a tile are; zeros beyond the border.
private struct InputPlaces {
  private var sources: InlineArray<36, UnsafePointer<Float>>

  @inline(__always)
  init(_ task: WinogradInput, tile: Int) {
    sources = InlineArray(repeating: task.zeros)
    let place = task.firstTile &+ tile
    let rows = task.rowSources + place / task.tileColumns &* 6
    let columns = task.columnSources + place % task.tileColumns &* 6
    for i in 0..<36 where rows[i / 6] >= 0 && columns[i % 6] >= 0 {
      sources[i] = task.x + (rows[i / 6] &* task.width &+ columns[i % 6]) &* task.channels
    }
  }

  /// A row of the tile, transformed.
  @inline(__always)
  func line(_ row: Int, _ channel: Int) -> SixVectors {
    let i = 6 &* row
    return transformed(
      (
        .load(sources[i] + channel), .load(sources[i &+ 1] + channel), .load(sources[i &+ 2] + channel),
        .load(sources[i &+ 3] + channel), .load(sources[i &+ 4] + channel), .load(sources[i &+ 5] + channel)
      ))
  }
}

extension Variant {
  package func winogradInput(_ task: WinogradInput, tiles: Range<Int>) {
    for tile in tiles {
      let places = InputPlaces(task, tile: tile)
      var target = task.transformed + tile &* task.channels
      var channel = 0
      while channel < task.channels {
        let (l0, l1, l2) = (places.line(0, channel), places.line(1, channel), places.line(2, channel))
        let (l3, l4, l5) = (places.line(3, channel), places.line(4, channel), places.line(5, channel))
        storeColumn((l0.0, l1.0, l2.0, l3.0, l4.0, l5.0), target, 0, task.matrixStride)
        storeColumn((l0.1, l1.1, l2.1, l3.1, l4.1, l5.1), target, 1, task.matrixStride)
        storeColumn((l0.2, l1.2, l2.2, l3.2, l4.2, l5.2), target, 2, task.matrixStride)
        storeColumn((l0.3, l1.3, l2.3, l3.3, l4.3, l5.3), target, 3, task.matrixStride)
        storeColumn((l0.4, l1.4, l2.4, l3.4, l4.4, l5.4), target, 4, task.matrixStride)
        storeColumn((l0.5, l1.5, l2.5, l3.5, l4.5, l5.5), target, 5, task.matrixStride)
        target += WideVector.width
        channel &+= WideVector.width
      }
    }
  }
}

/// Transforms a column of a tile and stores it in the matrices of its places.
@inline(__always)
private func storeColumn(_ d: SixVectors, _ target: UnsafeMutablePointer<Float>, _ column: Int, _ matrixStride: Int) {
  let t = transformed(d)
  let start = target + column &* matrixStride
  let step = 6 &* matrixStride
  t.0.store(to: start)
  t.1.store(to: start + step)
  t.2.store(to: start + 2 &* step)
  t.3.store(to: start + 3 &* step)
  t.4.store(to: start + 4 &* step)
  t.5.store(to: start + 5 &* step)
}

extension Variant {
  package func winogradWeights(_ task: WinogradWeights) {
    let row = RowOfG(task.row)
    let scales = (
      Float(row.scale / 4), Float(row.scale / -6), Float(row.scale / 24), Float(row.scale)
    )
    var kernels = task.kernels
    var target = task.transformed
    for _ in 0..<task.inputs {
      var lane = 0
      while lane < Product.panelWidth {
        let (a, b, c) = (
          row.times(kernels + lane), row.times(kernels + (Product.panelWidth &+ lane)),
          row.times(kernels + (2 &* Product.panelWidth &+ lane))
        )
        let (d, e, b2) = (a + c, a + 4 * c, 2 * b)
        let place = target + lane
        (a * scales.0).store(to: place)
        ((d + b) * scales.1).store(to: place + task.placeStride)
        ((d - b) * scales.1).store(to: place + 2 &* task.placeStride)
        ((e + b2) * scales.2).store(to: place + 3 &* task.placeStride)
        ((e - b2) * scales.2).store(to: place + 4 &* task.placeStride)
        (c * scales.3).store(to: place + 5 &* task.placeStride)
        lane &+= WideVector.width
      }
      kernels += 9 &* Product.panelWidth
      target += Product.panelWidth
    }
  }
}

/// A row of G of F(4x4, 3x3), for the same points as ``transformed(_:)``: whole numbers, by which products are exact, times a
/// scale that is applied once, after the other side's.
private struct RowOfG {
  private let factors: (Float, Float, Float)
  let scale: Double

  @inline(__always)
  init(_ row: Int) {
    switch row {
    case 0: (factors, scale) = ((1, 0, 0), 1 / 4)
    case 1: (factors, scale) = ((1, 1, 1), -1 / 6)
    case 2: (factors, scale) = ((1, -1, 1), -1 / 6)
    case 3: (factors, scale) = ((1, 2, 4), 1 / 24)
    case 4: (factors, scale) = ((1, -2, 4), 1 / 24)
    default: (factors, scale) = ((0, 0, 1), 1)
    }
  }

  /// The factors times a column of some outputs' kernels, whose first tap is given.
  @inline(__always)
  func times(_ first: UnsafePointer<Float>) -> WideVector {
    var sum = WideVector.load(first) * factors.0
    sum.add(.load(first + 3 &* Product.panelWidth), times: WideVector(repeating: factors.1))
    sum.add(.load(first + 6 &* Product.panelWidth), times: WideVector(repeating: factors.2))
    return sum
  }
}

extension Variant {
  package func winogradOutput(_ task: WinogradOutput, tiles: Range<Int>) {
    let (low, high) = task.activation.limits
    let step = task.matrixStride
    let rowLength = task.width &* task.channels
    for tile in tiles {
      let place = task.firstTile &+ tile
      let firstRow = place / task.tileColumns &* 4
      let firstColumn = place % task.tileColumns &* 4
      let rowCount = min(4, task.height &- firstRow)
      let columnCount = min(4, task.width &- firstColumn)
      let corner = firstRow &* rowLength &+ firstColumn &* task.channels
      var channel = 0
      while channel < task.channels {
        let products = task.products + (tile &* task.channels &+ channel)
        collectTile(products, step)
        let bias = WideVector.load(task.bias + channel)
        for row in 0..<rowCount {
          var sum = products + 4 &* row &* step
          var place = corner &+ row &* rowLength &+ channel
          for _ in 0..<columnCount {
            var value = WideVector.load(sum) + bias
            if let residual = task.residual { value += .load(residual + place) }
            value.limited(low, high).store(to: task.y + place)
            sum += step
            place &+= task.channels
          }
        }
        channel &+= WideVector.width
      }
      if !task.activation.isLimit {
        for row in 0..<rowCount {
          let start = task.y + (corner &+ row &* rowLength)
          applyActivation(task.activation, to: start, count: columnCount &* task.channels)
        }
      }
    }
  }
}

/// Puts the 4 x 4 sums of a tile, row by row, in place of the first of its 36 products.
@inline(__always)
private func collectTile(_ products: UnsafeMutablePointer<Float>, _ step: Int) {
  let (l0, l1, l2) = (line(products, 0, step), line(products, 1, step), line(products, 2, step))
  let (l3, l4, l5) = (line(products, 3, step), line(products, 4, step), line(products, 5, step))
  let c0 = collected((l0.0, l1.0, l2.0, l3.0, l4.0, l5.0))
  let c1 = collected((l0.1, l1.1, l2.1, l3.1, l4.1, l5.1))
  let c2 = collected((l0.2, l1.2, l2.2, l3.2, l4.2, l5.2))
  let c3 = collected((l0.3, l1.3, l2.3, l3.3, l4.3, l5.3))
  storeRow((c0.0, c1.0, c2.0, c3.0), products, step)
  storeRow((c0.1, c1.1, c2.1, c3.1), products + 4 &* step, step)
  storeRow((c0.2, c1.2, c2.2, c3.2), products + 8 &* step, step)
  storeRow((c0.3, c1.3, c2.3, c3.3), products + 12 &* step, step)
}

@inline(__always)
private func storeRow(_ sums: FourVectors, _ target: UnsafeMutablePointer<Float>, _ step: Int) {
  sums.0.store(to: target)
  sums.1.store(to: target + step)
  sums.2.store(to: target + 2 &* step)
  sums.3.store(to: target + 3 &* step)
}

/// A row of a tile's products, collected.
@inline(__always)
private func line(_ source: UnsafePointer<Float>, _ row: Int, _ matrixStride: Int) -> FourVectors {
  let start = source + 6 &* row &* matrixStride
  return collected(
    (
      .load(start), .load(start + matrixStride), .load(start + 2 &* matrixStride), .load(start + 3 &* matrixStride),
      .load(start + 4 &* matrixStride), .load(start + 5 &* matrixStride)
    ))
}
