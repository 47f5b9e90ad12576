/// Tells whether two long contents are equal without keeping them: 128 bits of MurmurHash3_x64_128 (Austin Appleby,
/// public domain), seed 0, over bytes that come in pieces. It protects against accidents, not against an adversary.
package struct Fingerprint: Sendable {
  private var first: UInt64 = 0
  private var second: UInt64 = 0
  /// Bytes that do not fill a block of 16 yet, the first one lowest.
  private var pending: (low: UInt64, high: UInt64) = (0, 0)
  private var count = 0

  private static let factor1: UInt64 = 0x87c3_7b91_1142_53d5
  private static let factor2: UInt64 = 0x4cf5_ad43_2745_937f

  package init() {}

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while index < bytes.count {
      if count & 15 == 0 {
        while bytes.count - index >= 16 {
          mix(
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index &+ 8, as: UInt64.self)))
          index &+= 16
          count &+= 16
        }
        if index == bytes.count { return }
      }
      let place = UInt64(count & 7) &* 8
      if count & 15 < 8 {
        pending.low |= UInt64(bytes[index]) << place
      } else {
        pending.high |= UInt64(bytes[index]) << place
      }
      index &+= 1
      count &+= 1
      if count & 15 == 0 {
        mix(pending.low, pending.high)
        pending = (0, 0)
      }
    }
  }

  package mutating func add<Element: BitwiseCopyable>(_ values: [Element]) {
    values.withUnsafeBytes { add($0) }
  }

  /// Adds a text and behind it the byte 0xff, which UTF-8 never contains, so that "a", "bc" differs from "ab", "c".
  package mutating func add(_ text: String) {
    add(Array(text.utf8))
    add([UInt8(0xff)])
  }

  /// 32 hexadecimal digits.
  package var text: String { sum.0.hexadecimal + sum.1.hexadecimal }

  /// The first 64 bits.
  package var bits: UInt64 { sum.0 }

  private var sum: (UInt64, UInt64) {
    var (h1, h2) = (first, second)
    if count & 15 != 0 {
      h2 ^= rotate(pending.high &* Self.factor2, by: 33) &* Self.factor1
      h1 ^= rotate(pending.low &* Self.factor1, by: 31) &* Self.factor2
    }
    h1 ^= UInt64(count)
    h2 ^= UInt64(count)
    h1 &+= h2
    h2 &+= h1
    h1 = finish(h1)
    h2 = finish(h2)
    h1 &+= h2
    h2 &+= h1
    return (h1, h2)
  }

  private mutating func mix(_ low: UInt64, _ high: UInt64) {
    first ^= rotate(low &* Self.factor1, by: 31) &* Self.factor2
    first = (rotate(first, by: 27) &+ second) &* 5 &+ 0x52dc_e729
    second ^= rotate(high &* Self.factor2, by: 33) &* Self.factor1
    second = (rotate(second, by: 31) &+ first) &* 5 &+ 0x3849_5ab5
  }

  private func rotate(_ value: UInt64, by bits: UInt64) -> UInt64 { (value << bits) | (value >> (64 - bits)) }

  private func finish(_ value: UInt64) -> UInt64 {
    var k = value
    k ^= k >> 33
    k = k &* 0xff51_afd7_ed55_8ccd
    k ^= k >> 33
    k = k &* 0xc4ce_b9fe_1a85_ec53
    return k ^ (k >> 33)
  }
}
