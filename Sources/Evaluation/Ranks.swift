import Basics

/// An integer that has the same order as the score, for finite scores; 0 and -0 have the same rank. It is never 0 or
/// `UInt32.max`, which would be ranks of NaNs.
///
/// The bits of floats of one sign order as their magnitudes do (IEEE 754): positive scores get the sign bit set, which
/// puts them above, and negative ones have all bits inverted.
func rank(of score: Float) -> UInt32 {
  let bits = (score + 0).bitPattern  // -0 + 0 is 0.
  return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
}

/// The score that has the rank.
func score(ofRank rank: UInt32) -> Float {
  Float(bitPattern: rank & 0x8000_0000 == 0 ? ~rank : rank & 0x7fff_ffff)
}

/// Sorts in ascending order of the upper 32 bits: a radix sort, a byte at a time from the lowest, so that its time is
/// linear in the count. It needs as much memory again; fails with `.outOfMemory`.
func sortByRank<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
  _ values: UnsafeMutablePointer<Value>, count: Int
) throws(Failure) {
  let scratch = try Buffer<Value>(count: count)
  defer { withExtendedLifetime(scratch) {} }
  var (from, to) = (values, scratch.base)
  // After four passes the values are back in the first memory.
  for shift in stride(from: Value.bitWidth - 32, to: Value.bitWidth, by: 8) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { next in
      next.initialize(repeating: 0)
      for index in 0..<count { next[Int(truncatingIfNeeded: from[index] &>> Value(shift)) & 255] &+= 1 }
      var start = 0
      for digit in 0..<256 { (next[digit], start) = (start, start &+ next[digit]) }
      for index in 0..<count {
        let digit = Int(truncatingIfNeeded: from[index] &>> Value(shift)) & 255
        to[next[digit]] = from[index]
        next[digit] &+= 1
      }
    }
    (from, to) = (to, from)
  }
}
