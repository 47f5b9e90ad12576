/// The checksum that HDF5's filter of this name appends (H5checksum.c): the sums, modulo 65535, of a chunk's 16-bit
/// words and of those sums, after J. Fletcher, "An Arithmetic Checksum for Serial Transmissions", IEEE Transactions on
/// Communications 1982.
enum Fletcher32 {
  /// Words that are summed side by side.
  private static let lanes = 8
  /// Steps after which no lane's second sum has left 32 bits.
  private static let stepsAtOnce = 360

  /// Of an even number of bytes. libhdf5 takes words for big-endian; summed as little-endian ones they give the sums
  /// with the bytes exchanged, since that is a multiplication by 256 modulo 65535.
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard var next = bytes.baseAddress else { return 0 }
    var words = bytes.count / 2
    var first: UInt64 = 0
    var second: UInt64 = 0
    while words >= lanes {
      let steps = min(words / lanes, stepsAtOnce)
      let (blockFirst, blockSecond) = sums(next, steps: steps)
      second = folded(second &+ UInt64(steps &* lanes) &* first &+ blockSecond)
      first = folded(first &+ blockFirst)
      next += 2 &* lanes &* steps
      words -= lanes &* steps
    }
    for _ in 0..<words {
      first = folded(first &+ UInt64(next.loadUnaligned(as: UInt16.self)))
      second = folded(second &+ first)
      next += 2
    }
    return UInt32(UInt16(truncatingIfNeeded: second).byteSwapped) << 16
      | UInt32(UInt16(truncatingIfNeeded: first).byteSwapped)
  }

  /// Both sums of `lanes` x `steps` words: a lane's word in step k counts (steps - k) times in the lane's second sum, and
  /// lanes x (steps - k) - lane times in the whole's.
  private static func sums(_ start: UnsafeRawPointer, steps: Int) -> (first: UInt64, second: UInt64) {
    var first = SIMD8<UInt32>()
    var second = SIMD8<UInt32>()
    for step in 0..<steps {
      let words = (start + 2 &* lanes &* step).loadUnaligned(as: SIMD8<UInt16>.self)
      first &+= SIMD8<UInt32>(truncatingIfNeeded: words)
      second &+= first
    }
    var sums: (first: UInt64, second: UInt64) = (0, 0)
    for lane in 0..<lanes {
      sums.first &+= UInt64(first[lane])
      sums.second &+= UInt64(lanes) &* UInt64(second[lane]) &- UInt64(lane) &* UInt64(first[lane])
    }
    return sums
  }

  /// Modulo 65535, where 65535 itself stands for every multiple of it but 0, as in libhdf5.
  private static func folded(_ sum: UInt64) -> UInt64 {
    var sum = sum
    while sum > 0xffff { sum = (sum & 0xffff) &+ (sum >> 16) }
    return sum
  }
}
