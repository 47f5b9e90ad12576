/// A number that is known at compile time, so that the compiler can specialise loops for it.
protocol Count { static var value: Int { get } }
enum One: Count { static var value: Int { 1 } }
enum Two: Count { static var value: Int { 2 } }
enum Three: Count { static var value: Int { 3 } }
enum Four: Count { static var value: Int { 4 } }
enum Five: Count { static var value: Int { 5 } }
enum Six: Count { static var value: Int { 6 } }
enum Eight: Count { static var value: Int { 8 } }
enum Twelve: Count { static var value: Int { 12 } }

/// The lesser of two numbers. It replaces `min`, which is not inlined into long functions: that would be a call in the middle of a
/// tile, to a function of the standard library whose specialisation has a name that all builds share.
@inline(__always)
func lesser(_ a: Int, _ b: Int) -> Int { a < b ? a : b }

/// The greater of two numbers, in place of `max`.
@inline(__always)
func greater(_ a: Int, _ b: Int) -> Int { a > b ? a : b }

/// A vector of either width. It does not refine `SIMD`, because the conformance would be looked up through a function whose name
/// all builds share.
protocol FloatVector {
  static var width: Int { get }
  init(repeating value: Float)
  subscript(lane: Int) -> Float { get }
  static func load(_ source: UnsafePointer<Float>) -> Self
  static func + (a: Self, b: Self) -> Self
  static func += (a: inout Self, b: Self)
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  mutating func add(_ a: Self, times b: Self)
  /// The values limited to low...high; NaN stays NaN.
  func limited(_ low: Float, _ high: Float) -> Self
  func store(to target: UnsafeMutablePointer<Float>)
}

extension SIMD8<Float>: FloatVector {}

#if WIDE_VECTORS
  extension SIMD16<Float>: FloatVector {}
#endif
