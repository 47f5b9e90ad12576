import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

/// Six vectors: a row or a column of a tile.
private typealias SixVectors = (
  WideVector, WideVector, WideVector, WideVector, WideVector, WideVector
)
private typealias FourVectors = (WideVector, WideVector, WideVector, WideVector)

/// The points that polynomials are evaluated at: 0, p, -p, q, -q and infinity.
///
/// The usual ones, p = 1 and q = 2, enlarge rounding errors four times as much: the powers of these two, which the
/// transforms multiply by, stay close to 1 (Barabasz, Anderson, Soodhalter and Gregg, "Error analysis and improving the
/// accuracy of Winograd convolution for deep neural networks", 2020). These points and all products of them that are
/// needed are exact in float32.
private enum Points {
  static var p: Float { 0.625 }
  static var q: Float { 1.5 }
  static var p2: Float { p * p }
  static var q2: Float { q * q }
}

extension WideVector {
  /// self + a * factor, rounded as by ``add(_:times:)``.
  @inline(__always)
  fileprivate func plus(_ a: WideVector, times factor: Float) -> WideVector {
    var sum = self
    sum.add(a, times: WideVector(repeating: factor))
    return sum
  }
}

/// B^T d.
@inline(__always)
private func transformed(_ d: SixVectors) -> SixVectors {
  let (p, q, p2, q2) = (Points.p, Points.q, Points.p2, Points.q2)
  let (a, b) = (d.4.plus(d.2, times: -q2), d.3.plus(d.1, times: -q2))
  let (c, e) = (d.4.plus(d.2, times: -p2), d.3.plus(d.1, times: -p2))
  return (
    d.4.plus(d.2, times: -(p2 + q2)).plus(d.0, times: p2 * q2), a.plus(b, times: p), a.plus(b, times: -p),
    c.plus(e, times: q), c.plus(e, times: -q), d.5.plus(d.3, times: -(p2 + q2)).plus(d.1, times: p2 * q2)
  )
}

/// A^T m.
@inline(__always)
private func collected(_ m: SixVectors) -> FourVectors {
  let (p, q, p2, q2) = (Points.p, Points.q, Points.p2, Points.q2)
  let (a, b) = (m.1 + m.2, m.1 - m.2)
  let (c, d) = (m.3 + m.4, m.3 - m.4)
  return (
    m.0 + a + c, (b * p).plus(d, times: q), (a * p2).plus(c, times: q2),
    m.5.plus(b, times: p * p2).plus(d, times: q * q2)
  )
}

/// The places of a tile's 6 x 6 inputs; they read zeros beyond the border.
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

  /// The transform of a row of the tile.
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
      Float(row.scale * RowOfG.scales.zero), Float(row.scale * RowOfG.scales.p), Float(row.scale * RowOfG.scales.q),
      Float(row.scale)
    )
    let (p, q, p2, q2) = (Points.p, Points.q, Points.p2, Points.q2)
    var kernels = task.kernels
    var target = task.transformed
    for _ in 0..<task.inputs {
      var lane = 0
      while lane < Tile.panelWidth {
        let (a, b, c) = (
          row.times(kernels + lane), row.times(kernels + (Tile.panelWidth &+ lane)),
          row.times(kernels + (2 &* Tile.panelWidth &+ lane))
        )
        let (d, e) = (a.plus(c, times: p2), a.plus(c, times: q2))
        let place = target + lane
        (a * scales.0).store(to: place)
        (d.plus(b, times: p) * scales.1).store(to: place + task.placeStride)
        (d.plus(b, times: -p) * scales.1).store(to: place + 2 &* task.placeStride)
        (e.plus(b, times: q) * scales.2).store(to: place + 3 &* task.placeStride)
        (e.plus(b, times: -q) * scales.2).store(to: place + 4 &* task.placeStride)
        (c * scales.3).store(to: place + 5 &* task.placeStride)
        lane &+= WideVector.width
      }
      kernels += 9 &* Tile.panelWidth
      target += Tile.panelWidth
    }
  }
}

/// A row of the matrix G of F(4x4, 3x3): powers of a point, times a scale that is applied once for rows and columns together.
private struct RowOfG {
  private let factors: (Float, Float, Float)
  let scale: Double

  /// 1 / the product of a point's differences from the others.
  static var scales: (zero: Double, p: Double, q: Double) {
    let (p2, q2) = (Double(Points.p2), Double(Points.q2))
    return (1 / (p2 * q2), 1 / (2 * p2 * (p2 - q2)), 1 / (2 * q2 * (q2 - p2)))
  }

  @inline(__always)
  init(_ row: Int) {
    let scales = Self.scales
    switch row {
    case 0: (factors, scale) = ((1, 0, 0), scales.zero)
    case 1: (factors, scale) = ((1, Points.p, Points.p2), scales.p)
    case 2: (factors, scale) = ((1, -Points.p, Points.p2), scales.p)
    case 3: (factors, scale) = ((1, Points.q, Points.q2), scales.q)
    case 4: (factors, scale) = ((1, -Points.q, Points.q2), scales.q)
    default: (factors, scale) = ((0, 0, 1), 1)
    }
  }

  /// The product of the factors and a column of some outputs' kernels, whose first tap is given.
  @inline(__always)
  func times(_ first: UnsafePointer<Float>) -> WideVector {
    var sum = WideVector.load(first) * factors.0
    sum.add(.load(first + 3 &* Tile.panelWidth), times: WideVector(repeating: factors.1))
    sum.add(.load(first + 6 &* Tile.panelWidth), times: WideVector(repeating: factors.2))
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
      let rowCount = lesser(4, task.height &- firstRow)
      let columnCount = lesser(4, task.width &- firstColumn)
      let corner = firstRow &* rowLength &+ firstColumn &* task.channels
      var channel = 0
      while channel < task.channels {
        let products = task.products + (tile &* task.channels &+ channel)
        collectTile(products, step)
        let (scale, bias) = (WideVector.load(task.scale + channel), WideVector.load(task.bias + channel))
        for row in 0..<rowCount {
          var sum = products + 4 &* row &* step
          var place = corner &+ row &* rowLength &+ channel
          for _ in 0..<columnCount {
            var value = bias
            value.add(.load(sum), times: scale)
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

/// Replaces the first 16 of a tile's 36 products by its 4 x 4 sums, row by row.
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

/// Collects a row of a tile's products.
@inline(__always)
private func line(_ source: UnsafePointer<Float>, _ row: Int, _ matrixStride: Int) -> FourVectors {
  let start = source + 6 &* row &* matrixStride
  return collected(
    (
      .load(start), .load(start + matrixStride), .load(start + 2 &* matrixStride), .load(start + 3 &* matrixStride),
      .load(start + 4 &* matrixStride), .load(start + 5 &* matrixStride)
    ))
}
