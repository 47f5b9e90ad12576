/// SHA-256 (FIPS 180-4) of bytes that come in pieces. It names contents to the outside, since nobody can make other contents with
/// the same digest. What is only compared within this library has a ``Fingerprint``, which is faster.
package struct SHA256: Sendable {
  private var state: SIMD8<UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// The first ``pendingCount`` bytes do not fill a block yet.
  private var pending = SIMD64<UInt8>()
  private var pendingCount: Int { Int(truncatingIfNeeded: count & 63) }
  private var count: UInt64 = 0

  package init() {}

  /// Of a text's UTF-8: 64 hexadecimal digits.
  package static func text(of text: String) -> String {
    var sum = SHA256()
    sum.add(text)
    return sum.text
  }

  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes
    while !rest.isEmpty {
      let place = pendingCount
      if place == 0, rest.count >= 64 {
        let whole = rest.count & ~63
        compress(UnsafeRawBufferPointer(rebasing: rest[..<whole]))
        rest = UnsafeRawBufferPointer(rebasing: rest[whole...])
        count &+= UInt64(whole)
        continue
      }
      let part = min(64 - place, rest.count)
      for index in 0..<part { pending[place + index] = rest[index] }
      rest = UnsafeRawBufferPointer(rebasing: rest[part...])
      count &+= UInt64(part)
      if pendingCount == 0 { compressPending() }
    }
  }

  /// The sum so far: 64 hexadecimal digits.
  package var text: String {
    var last = self
    let bits = count &* 8
    last.pending[pendingCount] = 0x80
    for index in pendingCount + 1..<64 { last.pending[index] = 0 }
    if pendingCount >= 56 {
      last.compressPending()
      last.pending = SIMD64()
    }
    for index in 0..<8 { last.pending[56 + index] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * index)) }
    last.compressPending()
    return (0..<8).map { last.state[$0].hexadecimal }.joined()
  }

  private mutating func compressPending() {
    let block = pending
    withUnsafeBytes(of: block) { compress($0) }
  }

  /// - Parameter blocks: 64 bytes each.
  private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
    var state = state
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
      Self.constants.withUnsafeBufferPointer { constants in
        for start in stride(from: 0, to: blocks.count, by: 64) {
          for i in 0..<16 {
            words[i] = UInt32(bigEndian: blocks.loadUnaligned(fromByteOffset: start &+ 4 &* i, as: UInt32.self))
          }
          for i in 16..<64 {
            let (x, y) = (words[i &- 15], words[i &- 2])
            let s0 = Self.rotate(x, 7) ^ Self.rotate(x, 18) ^ (x >> 3)
            let s1 = Self.rotate(y, 17) ^ Self.rotate(y, 19) ^ (y >> 10)
            words[i] = words[i &- 16] &+ s0 &+ words[i &- 7] &+ s1
          }
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for i in 0..<64 {
            let s1 = Self.rotate(e, 6) ^ Self.rotate(e, 11) ^ Self.rotate(e, 25)
            let first = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ constants[i] &+ words[i]
            let s0 = Self.rotate(a, 2) ^ Self.rotate(a, 13) ^ Self.rotate(a, 22)
            let second = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
          }
          state &+= [a, b, c, d, e, f, g, h]
        }
      }
    }
    self.state = state
  }

  private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 { value >> bits | value << (32 &- bits) }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}

extension FixedWidthInteger {
  /// Its bits as hexadecimal digits, the highest first, none left out.
  package var hexadecimal: String {
    let digits = String(Magnitude(truncatingIfNeeded: self), radix: 16)
    return String(repeating: "0", count: Self.bitWidth / 4 - digits.count) + digits
  }
}
