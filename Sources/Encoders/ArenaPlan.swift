/// Places values in one block of memory. Two values share memory when the last read of one is before the other is written.
struct ArenaPlan {
  /// A value that is written in one step and read until another one.
  struct Lifetime: Equatable {
    let byteCount: Int
    let steps: ClosedRange<Int>
  }

  /// The offset of each value in bytes, a multiple of ``alignment``.
  private(set) var offsets: [Int] = []
  private(set) var byteCount = 0

  /// A cache line in bytes.
  static let alignment = 64

  /// Gives each value the lowest place that no value in use occupies.
  ///
  /// - Parameter lifetimes: lifetimes in the order of the steps that write them.
  init(_ lifetimes: [Lifetime]) {
    var occupied: [(range: Range<Int>, lastUse: Int)] = []
    for lifetime in lifetimes {
      occupied.removeAll { $0.lastUse < lifetime.steps.lowerBound }
      let size = (lifetime.byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
      var offset = 0
      for (range, _) in occupied.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        if range.lowerBound >= offset + size { break }
        offset = max(offset, range.upperBound)
      }
      offsets.append(offset)
      occupied.append((offset..<offset + size, lifetime.steps.upperBound))
      byteCount = max(byteCount, offset + size)
    }
  }
}
