import Basics

/// Counts the values of maps before they are inverted (sums over levels of exp(log p / C - maximum)), to find what share
/// of all pixels is below one. Bins of 2^-16, of 8 bytes each.
final class PixelHistogram {
  private static let binsPerUnit: Float = 65536
  private let bins: Buffer<Int>
  private var count = 0

  /// - Parameter maximum: of the values, which are not negative; larger ones count as the largest.
  init(maximum: Int) throws(Failure) { bins = try Buffer(count: (maximum + 1) * Int(Self.binsPerUnit)) }

  func add(_ value: Float) {
    count += 1
    bins.base[Int(min(max(value * Self.binsPerUnit, 0), Float(bins.count - 1)))] += 1
  }

  /// The largest multiple of 2^-16 that at most this share of the values is below.
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
