import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids. It has what tiles of products of bytes are made of.

#if WIDE_VECTORS
  typealias QuantizedTileRows = Twelve
#elseif MULTIPLY_ADD
  typealias QuantizedTileRows = Six
#else
  typealias QuantizedTileRows = Three
#endif

/// The height of the next tile when so many rows are left. The last rows use a lower tile where a whole one would compute too many
/// rows in vain.
@inline(__always)
func quantizedTileHeight(_ left: Int) -> Int {
  if QuantizedTileRows.value > 8, left <= 4 { return 4 }
  if QuantizedTileRows.value > 8, left <= 8 || left > QuantizedTileRows.value && left <= 16 { return 8 }
  return QuantizedTileRows.value
}

/// The sums of one row of a tile, and where its inputs are.
struct QuantizedRowSums<Columns: Count> {
  var x: UnsafeRawPointer
  var a: IntVector
  var b: IntVector

  // The compiler's own initialisers are not always inlined, and a call in the middle of a tile would spill all its registers.
  /// - Parameter correction: the values that the sums begin with.
  @inline(__always)
  init(_ correction: UnsafePointer<Int32>) {
    a = IntVector.load(correction)
    b = Columns.value > 1 ? IntVector.load(correction + WideVector.width) : a
    x = UnsafeRawPointer(correction)
  }
}

/// What is done with the rows of a tile, one after the other. It is a type rather than a closure, because closures are not always
/// inlined, and then the sums would go through memory.
protocol QuantizedRowVisitor {
  mutating func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>)
}

/// Two vectors of what each of a tile's outputs has, such as a multiplier. With one column the second is the first.
struct TileVectors {
  let a, b: WideVector

  @inline(__always)
  init<Columns: Count>(_: Columns.Type, _ values: UnsafePointer<Float>) {
    a = .load(values)
    b = Columns.value > 1 ? .load(values + WideVector.width) : a
  }
}

/// The sums of a tile.
struct QuantizedTileSums<Rows: Count, Columns: Count> {
  typealias Row = QuantizedRowSums<Columns>
  private var rows: (Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row, Row)

  /// - Parameter correction: the values that the sums of a row begin with.
  @inline(__always)
  init(_ correction: UnsafePointer<Int32>) {
    let row = Row(correction)
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

  /// Calls the body, which is too long to be inlined for each row: the sums go through memory. The rows are listed once more, because
  /// the general epilogue as a visitor made tiles of AVX-512 up to nine times as slow.
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

  /// Adds the products of `depth` inputs of each row with the weights, and moves `weights` past them.
  ///
  /// - Parameter second: the distance from the first vector's weights to the second's, in bytes.
  @inline(__always)
  mutating func add<Weights: QuantizedWeights>(
    _: Weights.Type, _ weights: inout UnsafeRawPointer, second: Int, depth: Int
  ) {
    var input = 0
    while input < depth {
      forEach(Weights.First(Columns.self, weights, second: second, input: input))
      if Weights.hasTwoParts { forEach(Weights.Last(Columns.self, weights, second: second, input: input)) }
      weights += 64 &* Weights.byteCount
      input &+= 4
    }
  }
}

/// Adds products of some of four inputs with the weights of one or two vectors of outputs to a row's sums.
protocol QuantizedProducts: QuantizedRowVisitor {
  /// - Parameters:
  ///   - second: the distance from the first vector's weights to the second's, in bytes.
  ///   - input: the first of the four inputs.
  init<Columns: Count>(_: Columns.Type, _ weights: UnsafeRawPointer, second: Int, input: Int)
}

/// How weights lie in panels, and what multiplies them with bytes.
protocol QuantizedWeights {
  /// The bytes of a weight, or of a half of one.
  static var byteCount: Int { get }
  /// Whether a weight is two numbers, 256 h + l: a panel has all h before all l.
  static var isSplit: Bool { get }
  /// Whether all rows of a tile add some of the four products first and then the others, so that the weights of a part stay in
  /// registers meanwhile.
  static var hasTwoParts: Bool { get }
  associatedtype First: QuantizedProducts
  associatedtype Last: QuantizedProducts
}

#if DOT_PRODUCTS
  /// Weights of 8 bits, multiplied by dot products of four bytes.
  enum ByteWeights: QuantizedWeights {
    static var byteCount: Int { 1 }
    static var isSplit: Bool { false }
    static var hasTwoParts: Bool { false }
    typealias First = DotProducts
    typealias Last = DotProducts
  }

  /// Weights of 16 bits as two of 8 bits. Their dot products are as many as products of pairs, but inputs need not be widened.
  enum SplitWeights: QuantizedWeights {
    static var byteCount: Int { 1 }
    static var isSplit: Bool { true }
    static var hasTwoParts: Bool { false }
    typealias First = DotProducts
    typealias Last = DotProducts
  }

  struct DotProducts: QuantizedProducts {
    private let a, b: IntVector
    private let input: Int

    @inline(__always)
    init<Columns: Count>(_: Columns.Type, _ weights: UnsafeRawPointer, second: Int, input: Int) {
      a = .load(weights)
      b = Columns.value > 1 ? .load(weights + second) : a
      self.input = input
    }

    @inline(__always)
    func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
      let x = IntVector(repeating: row.x.loadUnaligned(fromByteOffset: input, as: Int32.self))
      row.a.addDot(x, a)
      if Columns.value > 1 { row.b.addDot(x, b) }
    }
  }
#endif

/// Turns a row's correction and sums of high bytes, c + sum(h x), into c + 256 sum(h x), to which those of low bytes are added.
/// What 32 bits do not hold in between comes out again, since they hold the whole sum.
struct HighBytes<Columns: Count>: QuantizedRowVisitor {
  private let a, b: IntVector

  @inline(__always)
  init(_ correction: UnsafePointer<Int32>) {
    let row = QuantizedRowSums<Columns>(correction)
    a = row.a &- row.a &<< 8
    b = row.b &- row.b &<< 8
  }

  @inline(__always)
  func visit<OwnColumns: Count>(_ index: Int, _ row: inout QuantizedRowSums<OwnColumns>) {
    row.a = row.a &<< 8 &+ a
    if OwnColumns.value > 1 { row.b = row.b &<< 8 &+ b }
  }
}

/// Weights of 16 bits, multiplied by an instruction that adds two products of 16-bit numbers. Of four inputs, the first and third
/// are widened into one register, then the second and fourth.
enum PairWeights: QuantizedWeights {
  static var byteCount: Int { 2 }
  static var isSplit: Bool { false }
  static var hasTwoParts: Bool { true }
  typealias First = PairProducts<EvenBytes>
  typealias Last = PairProducts<OddBytes>
}

/// Two of four inputs as 16-bit numbers, and where their weights are.
protocol BytePair {
  /// The distance from the weights of four inputs to those of these two, in bytes.
  static var offset: Int { get }
  static func load(_ inputs: UnsafeRawPointer) -> IntVector
}

enum EvenBytes: BytePair {
  static var offset: Int { 0 }
  @inline(__always)
  static func load(_ inputs: UnsafeRawPointer) -> IntVector { .evenBytes(inputs) }
}

enum OddBytes: BytePair {
  static var offset: Int { 64 }
  @inline(__always)
  static func load(_ inputs: UnsafeRawPointer) -> IntVector { .oddBytes(inputs) }
}

struct PairProducts<Pair: BytePair>: QuantizedProducts {
  private let a: IntVector
  /// Read anew for each row: there is no register left for it.
  private let b: UnsafeRawPointer
  private let input: Int

  @inline(__always)
  init<Columns: Count>(_: Columns.Type, _ weights: UnsafeRawPointer, second: Int, input: Int) {
    a = .load(weights + Pair.offset)
    b = weights + (second &+ Pair.offset)
    self.input = input
  }

  @inline(__always)
  func visit<Columns: Count>(_ index: Int, _ row: inout QuantizedRowSums<Columns>) {
    let x = Pair.load(row.x + input)
    row.a.addPairs(x, a)
    if Columns.value > 1 { row.b.addPairs(x, .load(b)) }
  }
}
