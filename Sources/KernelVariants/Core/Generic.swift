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

/// The lesser of two numbers. `min` would not be inlined in long functions. It would be a call in the middle of a tile,
/// to a function of the standard library that is specialised under a name which all builds share.
@inline(__always)
func lesser(_ a: Int, _ b: Int) -> Int { a < b ? a : b }

/// A vector of either width. It does not refine `SIMD`, since that conformance would be looked up by a function which
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
  /// The values limited to low...high; NaN stays.
  func limited(_ low: Float, _ high: Float) -> Self
  func store(to target: UnsafeMutablePointer<Float>)
}

extension SIMD8<Float>: FloatVector {}

#if WIDE_VECTORS
  extension SIMD16<Float>: FloatVector {}
#endif
