import KernelTasks

#if WIDE_VECTORS
  private typealias PanelVector = SIMD16<Float>
  /// Rows of a tile: with two vectors of outputs 24 sums, which with the operands fit 32 registers.
  private typealias TileRows = Twelve
#else
  private typealias PanelVector = Vector
  /// Rows of a tile: with two vectors of outputs 12 sums, which with the operands fill 16 registers.
  private typealias TileRows = Six
#endif

/// Rows of x that are used with one panel after the other: they stay in the second-level cache.
private func rowsAtOnce(depth: Int) -> Int {
  let fitting = 65536 / max(depth, 1)
  return min(max(fitting, 24), 192) / Product.tileRows * Product.tileRows
}

extension Variant {
  package func product(_ task: borrowing Product, rows: Range<Int>, panels: Range<Int>) {
    let end = min(panels.upperBound &* Product.panelWidth, task.paddedOutputs)
    let pair = 2 &* PanelVector.width
    var start = rows.lowerBound
    let chunk = rowsAtOnce(depth: task.depth)
    while start < rows.upperBound {
      let chunkRows = start..<min(start &+ chunk, rows.upperBound)
      var column = panels.lowerBound &* Product.panelWidth
      while column < end {
        let left = end &- column
        if left < Product.panelWidth {
          stripe(Vector.self, One.self, task, rows: chunkRows, column: column)
          column = end
        } else if left < pair {
          stripe(PanelVector.self, One.self, task, rows: chunkRows, column: column)
          column &+= PanelVector.width
        } else {
          stripe(PanelVector.self, Two.self, task, rows: chunkRows, column: column)
          column &+= pair
        }
      }
      start = chunkRows.upperBound
    }
  }
}

/// A number that is known when a tile is compiled, so that what it does not need falls away.
private protocol Count { static var value: Int { get } }
private enum One: Count { static var value: Int { 1 } }
private enum Two: Count { static var value: Int { 2 } }
private enum Six: Count { static var value: Int { 6 } }
private enum Eight: Count { static var value: Int { 8 } }
private enum Twelve: Count { static var value: Int { 12 } }

/// All rows by one or two vectors of outputs.
private func stripe<V: TileVector, Columns: Count>(
  _: V.Type, _: Columns.Type, _ task: borrowing Product, rows: Range<Int>, column: Int
) {
  var row = rows.lowerBound
  while row < rows.upperBound {
    let left = rows.upperBound &- row
    // What is left of rows is computed in lower tiles where these compute less in vain.
    if TileRows.value > 8, left <= 8 || left > TileRows.value && left <= 16 {
      tile(V.self, Eight.self, Columns.self, task, row: row, count: min(8, left), column: column)
      row &+= 8
    } else {
      tile(V.self, TileRows.self, Columns.self, task, row: row, count: min(TileRows.value, left), column: column)
      row &+= TileRows.value
    }
  }
}

/// Up to so many rows by one or two vectors of outputs.
private func tile<V: TileVector, Rows: Count, Columns: Count>(
  _: V.Type, _: Rows.Type, _: Columns.Type, _ task: borrowing Product, row: Int, count: Int, column: Int
) {
  typealias Sums = RowSums<V, Columns>
  let bias = TileBias(task, row: row, column: column)
  let last = count &- 1
  var s0 = Sums(bias, 0), s1 = Sums(bias, min(1, last)), s2 = Sums(bias, min(2, last))
  var s3 = Sums(bias, min(3, last)), s4 = Sums(bias, min(4, last)), s5 = Sums(bias, min(5, last))
  var (s6, s7, s8, s9, s10, s11) = (s0, s0, s0, s0, s0, s0)
  if Rows.value > 6 { (s6, s7) = (Sums(bias, min(6, last)), Sums(bias, min(7, last))) }
  if Rows.value > 8 {
    (s8, s9) = (Sums(bias, min(8, last)), Sums(bias, min(9, last)))
    (s10, s11) = (Sums(bias, min(10, last)), Sums(bias, min(11, last)))
  }
  // Weights of one input: the vectors of one panel, or a vector of each of two panels.
  let step = min(Product.panelWidth, task.paddedOutputs &- column)
  let second = V.width < Product.panelWidth ? V.width : Product.panelWidth &* task.taps &* task.depth
  var weights = task.panels + column &* task.taps &* task.depth
  for tap in 0..<task.taps {
    let (x0, x1, x2) = (s0.run(task, row, tap), s1.run(task, row, tap), s2.run(task, row, tap))
    let (x3, x4, x5) = (s3.run(task, row, tap), s4.run(task, row, tap), s5.run(task, row, tap))
    let (x6, x7) = Rows.value > 6 ? (s6.run(task, row, tap), s7.run(task, row, tap)) : (x0, x0)
    let (x8, x9) = Rows.value > 8 ? (s8.run(task, row, tap), s9.run(task, row, tap)) : (x0, x0)
    let (x10, x11) = Rows.value > 8 ? (s10.run(task, row, tap), s11.run(task, row, tap)) : (x0, x0)
    for k in 0..<task.depth {
      let w0 = V.load(weights)
      let w1 = Columns.value > 1 ? V.load(weights + second) : w0
      s0.add(x0[k], w0, w1)
      s1.add(x1[k], w0, w1)
      s2.add(x2[k], w0, w1)
      s3.add(x3[k], w0, w1)
      s4.add(x4[k], w0, w1)
      s5.add(x5[k], w0, w1)
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
  }
  let end = TileEnd(task, row: row, count: count, column: column, width: Columns.value &* V.width)
  end.store(s0, 0)
  end.store(s1, 1)
  end.store(s2, 2)
  end.store(s3, 3)
  end.store(s4, 4)
  end.store(s5, 5)
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

/// The sums of one row of a tile. Rows beyond the tile's last repeat that one.
private struct RowSums<V: TileVector, Columns: Count> {
  /// Counted from the tile's first row.
  let row: Int
  var a: V
  var b: V

  @inline(__always)
  init(_ bias: TileBias, _ row: Int) {
    self.row = row
    a = bias.vector(row, 0)
    b = Columns.value > 1 ? bias.vector(row, V.width) : a
  }

  /// Where the row's run begins, for one tap.
  @inline(__always)
  func run(_ task: borrowing Product, _ first: Int, _ tap: Int) -> UnsafePointer<Float> {
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
}

/// Where the bias of a tile's rows lies: for each row the sum of two vectors, or one for all.
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
  init(_ task: borrowing Product, row: Int, column: Int) {
    stride = task.paddedOutputs
    switch task.bias {
    case .shared(let values):
      shared = values + column
      (rows, columns, width, y, x) = (values, values, 1, 0, 0)
    case .grid(let rows, let columns, let width, let first):
      shared = nil
      (self.rows, self.columns, self.width) = (rows + column, columns + column, width)
      (y, x) = ((first &+ row) / width, (first &+ row) % width)
    }
  }

  /// A row's bias, from a column of the tile on.
  @inline(__always)
  func vector<V: TileVector>(_ row: Int, _ column: Int) -> V {
    if let shared { return .load(shared + column) }
    var (y, x) = (y, x &+ row)
    while x >= width { (y, x) = (y &+ 1, x &- width) }
    return .load(rows + (y &* stride &+ column)) + .load(columns + (x &* stride &+ column))
  }
}

/// The way of a tile's sums to y: residual, activation, and no more columns than y has.
private struct TileEnd {
  private let y: UnsafeMutablePointer<Float>
  private let residual: UnsafePointer<Float>?
  private let stride: Int
  private let count: Int
  /// Columns that y has of the tile's.
  private let columns: Int
  private let low: Float
  private let high: Float

  @inline(__always)
  init(_ task: borrowing Product, row: Int, count: Int, column: Int, width: Int) {
    let place = row &* task.yStride &+ column
    y = task.y + place
    residual = task.residual.map { $0 + place }
    stride = task.yStride
    self.count = count
    columns = min(width, task.outputs &- column)
    (low, high) = task.activation.limits
  }

  /// Activations that are limits are applied here.
  @inline(__always)
  func store<V: TileVector, Columns: Count>(_ sums: RowSums<V, Columns>, _ row: Int) {
    guard row < count else { return }
    store(sums.a, row &* stride, columns)
    if Columns.value > 1 { store(sums.b, row &* stride &+ V.width, columns &- V.width) }
  }

  @inline(__always)
  private func store<V: TileVector>(_ sum: V, _ place: Int, _ lanes: Int) {
    guard lanes >= V.width else {
      storePart(sum, place, lanes)
      return
    }
    var value = sum
    if let residual { value = value + .load(residual + place) }
    value.limited(low, high).store(to: y + place)
  }

  /// The same where a row ends within the vector or before it.
  @inline(never)
  private func storePart<V: TileVector>(_ sum: V, _ place: Int, _ lanes: Int) {
    for lane in 0..<max(lanes, 0) {
      let value = sum[lane] + (residual.map { $0[place &+ lane] } ?? 0)
      y[place &+ lane] = value < low ? low : value > high ? high : value
    }
  }

  /// Other activations follow in place.
  @inline(__always)
  func activate(_ activation: Activation) {
    if activation.isLimit { return }
    activateRows(activation)
  }

  @inline(never)
  private func activateRows(_ activation: Activation) {
    for row in 0..<count {
      let row = y + row &* stride
      forEachVector(count: columns) { start, lanes in
        Vector.load(row + start, first: lanes).activated(activation).store(to: row + start, first: lanes)
      }
    }
  }
}

extension Activation {
  /// Whether it only keeps values within ``limits``.
  @inline(__always)
  fileprivate var isLimit: Bool {
    switch self {
    case .identity, .relu, .relu6: true
    case .sigmoid, .silu, .hardSigmoid, .hardSwish, .gelu: false
    }
  }

  @inline(__always)
  fileprivate var limits: (low: Float, high: Float) {
    switch self {
    case .relu: (0, .infinity)
    case .relu6: (0, 6)
    default: (-.infinity, .infinity)
    }
  }
}

/// Vectors that a tile can be made of. (Not a refinement of `SIMD`: that conformance would be looked up by a function
/// that all builds share.)
private protocol TileVector {
  static var width: Int { get }
  init(repeating value: Float)
  subscript(lane: Int) -> Float { get }
  static func load(_ source: UnsafePointer<Float>) -> Self
  static func + (a: Self, b: Self) -> Self
  mutating func add(_ a: Self, times b: Self)
  /// Values within low...high; NaN stays.
  func limited(_ low: Float, _ high: Float) -> Self
  func store(to target: UnsafeMutablePointer<Float>)
}

extension SIMD8<Float>: TileVector {
  @inline(__always)
  fileprivate static var width: Int { 8 }

  @inline(__always)
  fileprivate func limited(_ low: Float, _ high: Float) -> Vector {
    let value = self.replacing(with: low, where: self .< low)
    return value.replacing(with: high, where: value .> high)
  }
}

#if WIDE_VECTORS
  extension SIMD16<Float>: TileVector {
    @inline(__always)
    fileprivate static var width: Int { 16 }

    @inline(__always)
    fileprivate static func load(_ source: UnsafePointer<Float>) -> SIMD16<Float> {
      UnsafeRawPointer(source).loadUnaligned(as: SIMD16<Float>.self)
    }

    @inline(__always)
    fileprivate mutating func add(_ a: SIMD16<Float>, times b: SIMD16<Float>) { self.addProduct(a, b) }

    @inline(__always)
    fileprivate func limited(_ low: Float, _ high: Float) -> SIMD16<Float> {
      let value = self.replacing(with: low, where: self .< low)
      return value.replacing(with: high, where: value .> high)
    }

    @inline(__always)
    fileprivate func store(to target: UnsafeMutablePointer<Float>) {
      UnsafeMutableRawPointer(target).storeBytes(of: self, as: SIMD16<Float>.self)
    }
  }
#endif
