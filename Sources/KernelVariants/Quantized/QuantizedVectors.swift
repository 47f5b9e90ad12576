import CVectors
import KernelTasks

// This file is hot: see Products/GEMM.swift for what that forbids.
// Vectors of integers are as wide as those of floats, one lane for each output.

#if WIDE_VECTORS
  typealias IntVector = SIMD16<Int32>
#else
  typealias IntVector = SIMD8<Int32>
#endif

extension IntVector {
  @inline(__always)
  static func load(_ source: UnsafeRawPointer) -> IntVector { source.loadUnaligned(as: IntVector.self) }

  /// The first and third of four bytes as 16-bit numbers, in every lane.
  @inline(__always)
  static func evenBytes(_ source: UnsafeRawPointer) -> IntVector {
    #if WIDE_VECTORS
      cflowad_even_16(source)
    #elseif MULTIPLY_ADD
      cflowad_even_8(source)
    #else
      IntVector(lowHalf: cflowad_even_4(source), highHalf: cflowad_even_4(source))
    #endif
  }

  /// The second and fourth.
  @inline(__always)
  static func oddBytes(_ source: UnsafeRawPointer) -> IntVector {
    #if WIDE_VECTORS
      cflowad_odd_16(source)
    #elseif MULTIPLY_ADD
      cflowad_odd_8(source)
    #else
      IntVector(lowHalf: cflowad_odd_4(source), highHalf: cflowad_odd_4(source))
    #endif
  }

  /// Adds in each lane the products of two 16-bit numbers.
  @inline(__always)
  mutating func addPairs(_ a: IntVector, _ b: IntVector) {
    #if DOT_PRODUCTS && WIDE_VECTORS
      self = cflowad_dot_pairs_16(self, a, b)
    #elseif DOT_PRODUCTS
      self = cflowad_dot_pairs_8(self, a, b)
    #elseif WIDE_VECTORS
      self &+= cflowad_pairs_16(a, b)
    #elseif MULTIPLY_ADD
      self &+= cflowad_pairs_8(a, b)
    #else
      self &+= IntVector(
        lowHalf: cflowad_pairs_4(a.lowHalf, b.lowHalf), highHalf: cflowad_pairs_4(a.highHalf, b.highHalf))
    #endif
  }

  #if DOT_PRODUCTS
    /// Adds in each lane the products of four unsigned bytes with four signed ones.
    @inline(__always)
    mutating func addDot(_ a: IntVector, _ b: IntVector) {
      #if WIDE_VECTORS
        self = cflowad_dot_16(self, a, b)
      #else
        self = cflowad_dot_8(self, a, b)
      #endif
    }
  #endif

  @inline(__always)
  static func load(bytes: UnsafePointer<UInt8>) -> IntVector {
    #if WIDE_VECTORS
      cflowad_load_ints_16(bytes)
    #elseif MULTIPLY_ADD
      cflowad_load_ints_8(bytes)
    #else
      IntVector(lowHalf: cflowad_load_ints_4(bytes), highHalf: cflowad_load_ints_4(bytes + 4))
    #endif
  }

  /// The bytes of one row as the lower halves of lanes, those of another as the upper ones.
  @inline(__always)
  static func pairs(_ low: UnsafePointer<UInt8>, _ high: UnsafePointer<UInt8>) -> IntVector {
    #if MULTIPLY_ADD && !WIDE_VECTORS
      cflowad_byte_pairs_8(low, high)
    #else
      load(bytes: low) | load(bytes: high) &<< 16
    #endif
  }

  /// Loads the first `count` bytes, and sets the other lanes to zero.
  @inline(__always)
  static func load(bytes: UnsafePointer<UInt8>, first count: Int) -> IntVector {
    if count == WideVector.width { return load(bytes: bytes) }
    var value = IntVector()
    for lane in 0..<count { value[lane] = Int32(bytes[lane]) }
    return value
  }

  @inline(__always)
  var floats: WideVector {
    #if WIDE_VECTORS
      cflowad_to_floats_16(self)
    #elseif MULTIPLY_ADD
      cflowad_to_floats_8(self)
    #else
      WideVector(lowHalf: cflowad_to_floats_4(lowHalf), highHalf: cflowad_to_floats_4(highHalf))
    #endif
  }
}

extension WideVector {
  @inline(__always)
  static func load(bytes: UnsafePointer<UInt8>) -> WideVector { IntVector.load(bytes: bytes).floats }

  /// Stores values within 0...255 as the nearest bytes.
  @inline(__always)
  func store(bytes: UnsafeMutablePointer<UInt8>) {
    #if WIDE_VECTORS
      cflowad_store_bytes_16(self, bytes)
    #elseif MULTIPLY_ADD
      cflowad_store_bytes_8(self, bytes)
    #else
      cflowad_store_bytes_4(lowHalf, bytes)
      cflowad_store_bytes_4(highHalf, bytes + 4)
    #endif
  }

  /// Stores the values of two vectors as bytes.
  @inline(__always)
  static func store(
    _ a: WideVector, bytes: UnsafeMutablePointer<UInt8>, _ b: WideVector, bytes second: UnsafeMutablePointer<UInt8>
  ) {
    #if MULTIPLY_ADD && !WIDE_VECTORS
      cflowad_store_both_8(a, bytes, b, second)
    #else
      a.store(bytes: bytes)
      b.store(bytes: second)
    #endif
  }

  /// Applies an activation that is more than a limit: such functions are written for the narrower vector.
  @inline(__always)
  func activatedByHalves(_ activation: Activation) -> WideVector {
    #if WIDE_VECTORS
      // Not by `lowHalf` and `highHalf`: they are not always inlined, and are then functions whose names all builds share.
      cflowad_joined_8(cflowad_low_8(self).activated(activation), cflowad_high_8(self).activated(activation))
    #else
      activated(activation)
    #endif
  }
}

/// Calls the body for each vector of a row of channels. Where the width does not divide the row, the last vector overlaps the one
/// before it, so the body must not read what it wrote for another vector. `lanes` is less than the width only for rows that are
/// shorter than a vector.
@inline(__always)
func forEachWideVector(_ channels: Range<Int>, _ body: (_ channel: Int, _ lanes: Int) -> Void) {
  let lanes = lesser(channels.count, WideVector.width)
  var channel = channels.lowerBound
  while channel < channels.upperBound {
    body(lesser(channel, channels.upperBound &- lanes), lanes)
    channel &+= WideVector.width
  }
}
