import Basics
import Synchronization

/// The parts of a job, dealt out to its threads. Each thread has a band of parts, which it takes from the front. When its band is
/// empty it takes parts from the ends of the other bands.
///
/// Parts are in the order of a map's rows. Because a thread has the same band in every layer, it finds in its own cache what it
/// wrote a layer before. Each band's counter has cache lines of its own, which other threads write to only when they take
/// parts from it.
struct PartBands: ~Copyable {
  private let memory: Buffer<UInt8>
  private let count: Int
  /// Bytes from one band to the next: two cache lines, since processors fetch them in pairs.
  private static let stride = 128

  /// - Parameter count: the most threads that share a job.
  init(count: Int) throws(Failure) {
    self.count = count
    memory = try Buffer(count: count * Self.stride)
    for index in 0..<count {
      UnsafeMutableRawPointer(memory.base + index * Self.stride)
        .bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(0))
    }
  }

  /// Deals out `parts` parts. There are fewer than 2^32, since each has memory to write. Nobody may take parts meanwhile.
  func deal(_ parts: Int) {
    for index in 0..<count {
      let rest = Rest(first: UInt32(parts &* index / count), end: UInt32(parts &* (index &+ 1) / count))
      band(index).pointee.store(rest.bits, ordering: .relaxed)
    }
  }

  /// The next part for a thread; nil when all are taken.
  func next(for worker: Int) -> Int? {
    if let part = take(from: worker, { $0.takeFirst() }) { return part }
    for step in 1..<max(count, 1) {
      let other = worker &+ step
      if let part = take(from: other < count ? other : other &- count, { $0.takeLast() }) { return part }
    }
    return nil
  }

  private func take(from index: Int, _ take: (inout Rest) -> UInt32) -> Int? {
    var bits = band(index).pointee.load(ordering: .relaxed)
    while true {
      var rest = Rest(bits)
      guard rest.first < rest.end else { return nil }
      let part = take(&rest)
      let (exchanged, original) = band(index).pointee.weakCompareExchange(
        expected: bits, desired: rest.bits, ordering: .relaxed)
      if exchanged { return Int(part) }
      bits = original
    }
  }

  private func band(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(memory.base + index &* Self.stride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The parts of a band that nobody has taken yet, as one number that is exchanged whole.
  private struct Rest {
    var first: UInt32
    var end: UInt32

    init(first: UInt32, end: UInt32) { (self.first, self.end) = (first, end) }

    init(_ bits: UInt64) {
      self.init(first: UInt32(truncatingIfNeeded: bits), end: UInt32(truncatingIfNeeded: bits >> 32))
    }

    var bits: UInt64 { UInt64(end) << 32 | UInt64(first) }

    mutating func takeFirst() -> UInt32 {
      first &+= 1
      return first &- 1
    }

    mutating func takeLast() -> UInt32 {
      end &-= 1
      return end
    }
  }
}
