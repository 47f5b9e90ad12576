import CVectors
import KernelTasks

typealias Vector = SIMD8<Float>

#if WIDE_VECTORS
  /// What the most work is done in: products and Winograd's transforms.
  typealias WideVector = SIMD16<Float>
#else
  /// What the most work is done in: products and Winograd's transforms.
  typealias WideVector = Vector
#endif

extension SIMD8<Float> {
  @inline(__always)
  static var width: Int { 8 }

  /// self += a * b; one rounding where the processor has the instruction, two where it has not. Where every build must give the
  /// same bits the instruction is emulated, which takes some ten times as long.
  @inline(__always)
  mutating func add(_ a: Vector, times b: Vector) {
    #if MULTIPLY_ADD
      self.addProduct(a, b)
    #elseif EXACT_MULTIPLY_ADD
      self = Vector(
        lowHalf: cflowad_multiply_add_4(a.lowHalf, b.lowHalf, lowHalf),
        highHalf: cflowad_multiply_add_4(a.highHalf, b.highHalf, highHalf))
    #else
      self += a * b
    #endif
  }

  /// self * factor + summand, rounded as by ``add(_:times:)``.
  @inline(__always)
  func times(_ factor: Vector, plus summand: Vector) -> Vector {
    var sum = summand
    sum.add(self, times: factor)
    return sum
  }

  @inline(__always)
  static func load(_ source: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  func store(to target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: self, as: Vector.self)
  }

  /// The values limited to low...high; NaN stays.
  @inline(__always)
  func limited(_ low: Float, _ high: Float) -> Vector {
    let value = self.replacing(with: low, where: self .< low)
    return value.replacing(with: high, where: value .> high)
  }

  /// The first `count` lanes from memory, zero in the others.
  @inline(__always)
  static func load(_ source: UnsafePointer<Float>, first count: Int) -> Vector {
    if count == 8 { return load(source) }
    var vector = Vector()
    for lane in 0..<count { vector[lane] = source[lane] }
    return vector
  }

  /// The first `count` lanes to memory.
  @inline(__always)
  func store(to target: UnsafeMutablePointer<Float>, first count: Int) {
    if count == 8 {
      store(to: target)
    } else {
      for lane in 0..<count { target[lane] = self[lane] }
    }
  }

  @inline(__always)
  func activated(_ activation: Activation) -> Vector {
    switch activation {
    case .identity: self
    case .relu: self.replacing(with: 0, where: self .< 0)
    case .relu6: self.replacing(with: 0, where: self .< 0).replacing(with: 6, where: self .> 6)
    case .sigmoid: sigmoid()
    case .silu: silu()
    case .hardSigmoid: hardSigmoid()
    case .hardSwish: hardSwish()
    // Without a default the compiler would check for other numbers, which a C enum may hold.
    default: gelu()
    }
  }
}

#if WIDE_VECTORS
  /// The same as for ``Vector``.
  extension SIMD16<Float> {
    @inline(__always)
    static var width: Int { 16 }

    @inline(__always)
    mutating func add(_ a: SIMD16<Float>, times b: SIMD16<Float>) {
      self.addProduct(a, b)
    }

    @inline(__always)
    static func load(_ source: UnsafePointer<Float>) -> SIMD16<Float> {
      UnsafeRawPointer(source).loadUnaligned(as: SIMD16<Float>.self)
    }

    @inline(__always)
    func store(to target: UnsafeMutablePointer<Float>) {
      UnsafeMutableRawPointer(target).storeBytes(of: self, as: SIMD16<Float>.self)
    }

    @inline(__always)
    func limited(_ low: Float, _ high: Float) -> SIMD16<Float> {
      let value = self.replacing(with: low, where: self .< low)
      return value.replacing(with: high, where: value .> high)
    }
  }
#endif

extension Activation {
  /// Whether it does nothing but limit values to ``limits``.
  @inline(__always)
  var isLimit: Bool {
    switch self {
    case .identity, .relu, .relu6: true
    default: false
    }
  }

  @inline(__always)
  var limits: (low: Float, high: Float) {
    switch self {
    case .relu: (0, .infinity)
    case .relu6: (0, 6)
    default: (-.infinity, .infinity)
    }
  }
}

/// In place.
@inline(never)
func applyActivation(_ activation: Activation, to row: UnsafeMutablePointer<Float>, count: Int) {
  forEachVector(count: count) { start, lanes in
    Vector.load(row + start, first: lanes).activated(activation).store(to: row + start, first: lanes)
  }
}

/// Calls the body for each vector of a row with its start and the number of lanes in use, which is 8 except for the last.
@inline(__always)
func forEachVector(count: Int, _ body: (_ start: Int, _ lanes: Int) -> Void) {
  var start = 0
  while start &+ 8 <= count {
    body(start, 8)
    start &+= 8
  }
  if start < count { body(start, count &- start) }
}
