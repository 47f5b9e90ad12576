/// Two checksums, modulo 2^64: the sum of the 16-bit words, and the sum of all partial sums on the way. They tell contents
/// apart, unless somebody makes them alike on purpose. Modulo 65535 they are the checksum of J. Fletcher, "An Arithmetic
/// Checksum for Serial Transmissions", IEEE Transactions on Communications 1982, as HDF5 computes it (H5checksum.c).
///
/// Words are read as little-endian. libhdf5 reads them as big-endian, which multiplies each by 256 modulo 65535: its sums are
/// these with their bytes exchanged.
package struct WordSums: Sendable, Hashable {
  private var words = 0
  private var first: UInt64 = 0
  private var second: UInt64 = 0
  /// Modulo 65535.
  private var foldedFirst: UInt64 = 0
  private var foldedSecond: UInt64 = 0
  /// The first half of a word whose other half is to come.
  private var half: UInt8?

  /// Words that are summed side by side.
  private static let lanes = 8
  /// The most steps after which every lane's second sum still fits 32 bits.
  private static let stepsAtOnce = 360

  package init() {}

  /// Appends bytes. An odd number of them is padded with a byte of zeros in the end, as libhdf5 does: see ``completed``.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard var next = bytes.baseAddress, bytes.count > 0 else { return }
    var count = bytes.count
    if let half {
      add(word: UInt64(half) | UInt64(next.load(as: UInt8.self)) << 8)
      self.half = nil
      next += 1
      count -= 1
    }
    var words = count / 2
    while words >= Self.lanes {
      let steps = min(words / Self.lanes, Self.stepsAtOnce)
      let sums = Self.sums(next, steps: steps)
      add(words: Self.lanes &* steps, first: sums.first, second: sums.second)
      next += 2 &* Self.lanes &* steps
      words -= Self.lanes &* steps
    }
    for _ in 0..<words {
      add(word: UInt64(next.loadUnaligned(as: UInt16.self)))
      next += 2
    }
    if count % 2 == 1 { half = next.load(as: UInt8.self) }
  }

  private mutating func add(word: UInt64) { add(words: 1, first: word, second: word) }

  /// The sums once an odd last byte is padded with a zero, since the checksum counts whole words of 16 bits.
  package var completed: WordSums {
    guard let half else { return self }
    var sums = self
    sums.half = nil
    sums.add(word: UInt64(half))
    return sums
  }

  /// Appends the sums of bytes that follow and begin with a whole word. Both must be ``completed``.
  package mutating func append(_ other: WordSums) {
    words += other.words
    second &+= UInt64(other.words) &* first &+ other.second
    first &+= other.first
    foldedSecond = Self.folded(foldedSecond &+ UInt64(other.words) &* foldedFirst &+ other.foldedSecond)
    foldedFirst = Self.folded(foldedFirst &+ other.foldedFirst)
  }

  private mutating func add(words count: Int, first blockFirst: UInt64, second blockSecond: UInt64) {
    words += count
    second &+= UInt64(count) &* first &+ blockSecond
    first &+= blockFirst
    foldedSecond = Self.folded(foldedSecond &+ UInt64(count) &* foldedFirst &+ blockSecond)
    foldedFirst = Self.folded(foldedFirst &+ blockFirst)
  }

  /// The checksum as HDF5's filter Fletcher32 stores it.
  package var fletcher32: UInt32 {
    guard half == nil else { return completed.fletcher32 }
    return UInt32(UInt16(truncatingIfNeeded: foldedSecond).byteSwapped) << 16
      | UInt32(UInt16(truncatingIfNeeded: foldedFirst).byteSwapped)
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

  /// Reduces modulo 65535 as libhdf5 does: a multiple of 65535 other than 0 becomes 65535, not 0.
  private static func folded(_ sum: UInt64) -> UInt64 {
    var sum = sum
    while sum > 0xffff { sum = (sum & 0xffff) &+ (sum >> 16) }
    return sum
  }
}
