/// The inner loops, as one build of them for one kind of processor gives them.
package struct KernelTable: Sendable {
  package typealias Floats = UnsafePointer<Float>
  package typealias MutableFloats = UnsafeMutablePointer<Float>

  /// What the build is for, e.g. "AVX2+FMA".
  package let name: String
  /// Computes some of the rows and some of the panels of a product. Ranges begin at 0; rows are best cut at multiples of
  /// 6, the height of a tile.
  package let product: @Sendable (borrowing Product, _ rows: Range<Int>, _ panels: Range<Int>) -> Void
  /// Computes some of the output rows.
  package let depthwise: @Sendable (borrowing Depthwise, _ outputRows: Range<Int>) -> Void
  /// target = max(target, source).
  package let maximum: @Sendable (_ target: MutableFloats, _ source: Floats, _ count: Int) -> Void
  /// output = a + b; output may be one of them.
  package let add: @Sendable (_ a: Floats, _ b: Floats, _ count: Int, _ output: MutableFloats) -> Void
  package let coupling: @Sendable (borrowing Coupling, _ rows: Range<Int>) -> Void
  /// For each row the squared length of u * scale + offset.
  package let squaredNorms: @Sendable (borrowing GlobalAffine, _ rows: Range<Int>, _ norms: MutableFloats) -> Void
  /// In place: e^x, arguments clamped to +-87. Error below 2 units in the last place.
  package let exp: @Sendable (MutableFloats, _ count: Int) -> Void
  /// In place: tanh x. Error below 4 units in the last place.
  package let tanh: @Sendable (MutableFloats, _ count: Int) -> Void

  package init(
    name: String,
    product: @escaping @Sendable (borrowing Product, Range<Int>, Range<Int>) -> Void,
    depthwise: @escaping @Sendable (borrowing Depthwise, Range<Int>) -> Void,
    maximum: @escaping @Sendable (MutableFloats, Floats, Int) -> Void,
    add: @escaping @Sendable (Floats, Floats, Int, MutableFloats) -> Void,
    coupling: @escaping @Sendable (borrowing Coupling, Range<Int>) -> Void,
    squaredNorms: @escaping @Sendable (borrowing GlobalAffine, Range<Int>, MutableFloats) -> Void,
    exp: @escaping @Sendable (MutableFloats, Int) -> Void,
    tanh: @escaping @Sendable (MutableFloats, Int) -> Void
  ) {
    self.name = name
    self.product = product
    self.depthwise = depthwise
    self.maximum = maximum
    self.add = add
    self.coupling = coupling
    self.squaredNorms = squaredNorms
    self.exp = exp
    self.tanh = tanh
  }
}
