import Basics

/// Counts the values of maps before they are inverted (sums over levels of exp(log p / C - maximum)), to find the value
/// below which a given share of all pixels lies. Its bins are 2^-16 wide and take 8 bytes each.
final class PixelHistogram {
  private static let binsPerUnit: Float = 65536
  private let bins: Buffer<Int>
  private var count = 0

  /// - Parameter maximum: the largest value; values are not negative, and larger ones are counted as this one.
  init(maximum: Int) throws(Failure) { bins = try Buffer(count: (maximum + 1) * Int(Self.binsPerUnit)) }

  func add(_ value: Float) {
    count += 1
    bins.base[Int(min(max(value * Self.binsPerUnit, 0), Float(bins.count - 1)))] += 1
  }

  /// The largest multiple of 2^-16 that at most this share of the values lies below.
  func bound(below share: Double) -> Float {
    let allowed = Int(Double(count) * share * (1 + 1e-6))
    var (bin, below) = (0, 0)
    while bin < bins.count - 1, below + bins.base[bin] <= allowed {
      below += bins.base[bin]
      bin += 1
    }
    return Float(bin) / Self.binsPerUnit
  }
}
