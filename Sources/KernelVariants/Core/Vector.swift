import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.

typealias Vector = SIMD8<Float>

#if WIDE_VECTORS
  /// The vector for most of the work: products and Winograd's transforms.
  typealias WideVector = SIMD16<Float>
#else
  /// The vector for most of the work: products and Winograd's transforms.
  typealias WideVector = Vector
#endif

extension SIMD8<Float> {
  @inline(__always)
  static var width: Int { 8 }

  /// self += a * b, with one rounding where the processor has the instruction and two where it does not. Builds that must give the
  /// same bits without it emulate the instruction, which takes about ten times as long.
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

  /// The values limited to low...high; NaN stays NaN.
  @inline(__always)
  func limited(_ low: Float, _ high: Float) -> Vector {
    let value = self.replacing(with: low, where: self .< low)
    return value.replacing(with: high, where: value .> high)
  }

  /// Loads the first `count` lanes, and sets the others to zero.
  @inline(__always)
  static func load(_ source: UnsafePointer<Float>, first count: Int) -> Vector {
    if count == 8 { return load(source) }
    var vector = Vector()
    for lane in 0..<count { vector[lane] = source[lane] }
    return vector
  }

  /// Stores the first `count` lanes.
  @inline(__always)
  func store(to target: UnsafeMutablePointer<Float>, first count: Int) {
    if count == 8 {
      store(to: target)
    } else {
      for lane in 0..<count { target[lane] = self[lane] }
    }
  }

  /// Applies an activation that is more than a limit. Callers apply ``Activation/limits`` themselves, without a question for
  /// each vector.
  @inline(__always)
  func activated(_ activation: Activation) -> Vector {
    switch activation {
    case .sigmoid: sigmoid()
    case .silu: silu()
    case .hardSigmoid: hardSigmoid()
    case .hardSwish: hardSwish()
    // There is a default because the compiler would otherwise check for numbers that the C enum does not name.
    default: gelu()
    }
  }
}

#if WIDE_VECTORS
  /// What ``Vector`` has, for vectors twice as wide.
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
  /// Whether the activation only limits values to ``limits``.
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

/// Replaces the values of a row by ``SIMD8/activated(_:)``.
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
