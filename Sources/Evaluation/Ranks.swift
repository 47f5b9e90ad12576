import Basics

/// A whole number that orders as the score does, for finite scores; 0 and -0 have the same. Never 0 or `UInt32.max`:
/// those are NaNs'.
///
/// The bits of floats of one sign order as their magnitudes do (IEEE 754): a set sign bit puts the positive ones above,
/// and the negative ones' bits are turned over.
func rank(of score: Float) -> UInt32 {
  let bits = (score + 0).bitPattern  // -0 + 0 is 0.
  return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
}

/// The score that has the rank.
func score(ofRank rank: UInt32) -> Float {
  Float(bitPattern: rank & 0x8000_0000 == 0 ? ~rank : rank & 0x7fff_ffff)
}

/// Sorts in ascending order of the upper 32 bits, by counting, a byte at a time from the lowest: linear in the count,
/// whatever the values. Needs as much memory again meanwhile: fails with `.outOfMemory`.
func sortByRank<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
  _ values: UnsafeMutablePointer<Value>, count: Int
) throws(Failure) {
  let scratch = try Buffer<Value>(count: count)
  defer { withExtendedLifetime(scratch) {} }
  var (from, to) = (values, scratch.base)
  // Four passes: the last ends where the first began.
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
