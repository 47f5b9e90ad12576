import KernelTasks

typealias Vector = SIMD8<Float>

extension SIMD8<Float> {
  /// self += a * b; one rounding where the processor has the instruction, two where it would be emulated.
  @inline(__always)
  mutating func add(_ a: Vector, times b: Vector) {
    #if FUSED_MULTIPLY_ADD
      self.addProduct(a, b)
    #else
      self += a * b
    #endif
  }

  @inline(__always)
  static func load(_ source: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  func store(to target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: self, as: Vector.self)
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
    case .gelu: gelu()
    }
  }
}

/// Cuts a row into vectors: calls the body with the start and the number of lanes in use, 8 but for the last.
@inline(__always)
func forEachVector(count: Int, _ body: (_ start: Int, _ lanes: Int) -> Void) {
  var start = 0
  while start &+ 8 <= count {
    body(start, 8)
    start &+= 8
  }
  if start < count { body(start, count &- start) }
}
