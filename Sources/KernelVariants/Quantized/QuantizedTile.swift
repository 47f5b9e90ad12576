import KernelTasks

// Hot: what the tiles of products of bytes are made of.

#if WIDE_VECTORS
  typealias QuantizedTileRows = Twelve
#elseif MULTIPLY_ADD
  typealias QuantizedTileRows = Six
#else
  typealias QuantizedTileRows = Three
#endif

/// The sums of one row of a tile, and where its inputs are.
struct QuantizedRowSums<Columns: Count> {
  var x: UnsafeRawPointer
  var a: IntVector
  var b: IntVector
}

/// What is done with the rows of a tile, one after the other. It is a type and no closure, since closures are not always inlined:
/// the sums would go through memory.
protocol QuantizedRowVisitor {
  mutating func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>)
}

struct QuantizedTileSums<Rows: Count, Columns: Count> {
  typealias Row = QuantizedRowSums<Columns>
  private var rows: (Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row)

  /// - Parameter correction: what sums begin with.
  @inline(__always)
  init(_ correction: UnsafePointer<Int32>) {
    let a = IntVector.load(correction)
    let b = Columns.value > 1 ? IntVector.load(correction + WideVector.width) : a
    let row = Row(x: UnsafeRawPointer(correction), a: a, b: b)
    rows = (row, row, row, row, row, row, row, row, row, row, row, row)
  }

  @inline(__always)
  mutating func forEach<Visitor: QuantizedRowVisitor>(_ first: Visitor) {
    var visitor = first
    visitor.visit(0, &rows.0)
    visitor.visit(1, &rows.1)
    visitor.visit(2, &rows.2)
    if Rows.value > 3 { visitor.visit(3, &rows.3) }
    if Rows.value > 4 {
      visitor.visit(4, &rows.4)
      visitor.visit(5, &rows.5)
    }
    if Rows.value > 6 {
      visitor.visit(6, &rows.6)
      visitor.visit(7, &rows.7)
    }
    if Rows.value > 8 {
      visitor.visit(8, &rows.8)
      visitor.visit(9, &rows.9)
      visitor.visit(10, &rows.10)
      visitor.visit(11, &rows.11)
    }
  }

  /// For what is too long to be inlined for each row: the sums go through memory.
  @inline(__always)
  mutating func forEachInMemory(_ body: (_ index: Int, _ row: inout Row) -> Void) {
    body(0, &rows.0)
    body(1, &rows.1)
    body(2, &rows.2)
    if Rows.value > 3 { body(3, &rows.3) }
    if Rows.value > 4 {
      body(4, &rows.4)
      body(5, &rows.5)
    }
    if Rows.value > 6 {
      body(6, &rows.6)
      body(7, &rows.7)
    }
    if Rows.value > 8 {
      body(8, &rows.8)
      body(9, &rows.9)
      body(10, &rows.10)
      body(11, &rows.11)
    }
  }

  /// Adds the products of `depth` inputs from where the rows' inputs are, and goes on in the weights.
  ///
  /// - Parameter second: from the first vector's weights to the second's, in bytes.
  @inline(__always)
  mutating func add<Weights: QuantizedWeights>(
    _: Weights.Type, _ weights: inout UnsafeRawPointer, second: Int, depth: Int
  ) {
    var input = 0
    while input < depth {
      forEach(Products<Weights>(weights, second: second, input: input))
      weights += 64 &* Weights.byteCount
      input &+= 4
    }
  }
}

private struct Products<Weights: QuantizedWeights>: QuantizedRowVisitor {
  private let weights: UnsafeRawPointer
  private let second: Int
  private let input: Int

  // Initialisers that are not written are not always inlined. A call in the middle of a tile would cost all its registers.
  @inline(__always)
  init(_ weights: UnsafeRawPointer, second: Int, input: Int) {
    (self.weights, self.second, self.input) = (weights, second, input)
  }

  @inline(__always)
  func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
    Weights.add(row.x.loadUnaligned(fromByteOffset: input, as: Int32.self), weights, second, to: &row)
  }
}

/// How weights lie in panels, and what multiplies them with bytes.
protocol QuantizedWeights {
  static var byteCount: Int { get }
  /// Adds the products of four inputs with the weights of one or two vectors of outputs.
  ///
  /// - Parameter second: from the first vector's weights to the second's, in bytes.
  static func add<Columns: Count>(
    _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout QuantizedRowSums<Columns>)
}

#if DOT_PRODUCTS
  /// Weights of 8 bits, by dot products of four bytes.
  enum ByteWeights: QuantizedWeights {
    static var byteCount: Int { 1 }

    @inline(__always)
    static func add<Columns: Count>(
      _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout QuantizedRowSums<Columns>
    ) {
      let x = IntVector(repeating: x)
      sum.a.addDot(x, .load(weights))
      if Columns.value > 1 { sum.b.addDot(x, .load(weights + second)) }
    }
  }
#endif

/// Weights of 16 bits, by pairs of products: inputs are widened to 16 bits, the first and third, the second and fourth.
enum PairWeights: QuantizedWeights {
  static var byteCount: Int { 2 }

  @inline(__always)
  static func add<Columns: Count>(
    _ x: Int32, _ weights: UnsafeRawPointer, _ second: Int, to sum: inout QuantizedRowSums<Columns>
  ) {
    let even = IntVector(repeating: x & 0x00ff_00ff)
    let odd = IntVector(repeating: (x &>> 8) & 0x00ff_00ff)
    sum.a.addPairs(even, .load(weights))
    sum.a.addPairs(odd, .load(weights + 64))
    if Columns.value > 1 {
      sum.b.addPairs(even, .load(weights + second))
      sum.b.addPairs(odd, .load(weights + second + 64))
    }
  }
}
