import Basics

/// Weights that resample a line of `inputSize` samples to `outputSize`: Pillow's `precompute_coeffs` and
/// `normalize_coeffs_8bpc` (src/libImaging/Resample.c) with the Lanczos filter, a = 3.
///
/// Output i is the sum of `tapCount(i)` inputs from `first[i]` on. A weight has 22 fractional bits. It is stored in two
/// halves, weight = high * 4096 + low, because SSE2 multiplies 16-bit factors fastest.
final class LanczosWeights {
  /// Fractional bits of a weight: `PRECISION_BITS`, 32 - 8 - 2.
  static let precision: Int32 = 22
  /// Bits of `low`.
  static let lowBits: Int32 = 12

  struct Weight: BitwiseCopyable {
    let low: Int16
    let high: Int16
  }

  /// The inputs of one output: `count` inputs from `first` on, with their weights from `weights` on.
  struct Taps {
    let first: Int
    let count: Int
    let weights: UnsafePointer<Weight>
  }

  private let firsts: Buffer<Int32>
  private let counts: Buffer<Int32>
  private let weights: Buffer<Weight>
  private let capacity: Int

  /// Sizes are at most 65535. Fails with `outOfMemory`.
  init(inputSize: Int, outputSize: Int) throws(Failure) {
    let scale = Double(inputSize) / Double(outputSize)
    let filterScale = max(scale, 1)
    let support = 3 * filterScale
    let capacity = Int(support.rounded(.up)) * 2 + 1
    guard let total = checkedProduct([capacity, outputSize]) else {
      throw Failure(.outOfMemory, "the weights to resize \(inputSize) to \(outputSize) do not fit")
    }
    self.capacity = capacity
    firsts = try Buffer(count: outputSize)
    counts = try Buffer(count: outputSize)
    weights = try Buffer(count: total)
    let exact = try Buffer<Double>(count: capacity)
    for i in 0..<outputSize {
      let center = (Double(i) + 0.5) * scale
      let first = max(Int(center - support + 0.5), 0)
      let count = min(Int(center + support + 0.5), inputSize) - first
      firsts.base[i] = Int32(first)
      counts.base[i] = Int32(count)
      var sum = 0.0
      for x in 0..<count {
        // Pillow multiplies by the reciprocal instead of dividing, which rounds differently.
        let weight = Self.lanczos((Double(x + first) - center + 0.5) * (1 / filterScale))
        exact.base[x] = weight
        sum += weight
      }
      for x in 0..<count {
        weights.base[i * capacity + x] = Self.fixed(sum == 0 ? exact.base[x] : exact.base[x] / sum)
      }
    }
  }

  @inline(__always)
  func taps(_ i: Int) -> Taps {
    Taps(
      first: Int(firsts.base[i]), count: Int(counts.base[i]),
      weights: UnsafePointer(weights.base + i &* capacity))
  }

  /// A weight in fixed point, rounded half away from zero. Normalised weights are within -1...2, so that the conversion
  /// cannot overflow.
  private static func fixed(_ weight: Double) -> Weight {
    let one = Double(1 << precision)
    let value = Int32(weight < 0 ? weight * one - 0.5 : weight * one + 0.5)
    let high = (value + (1 << (lowBits - 1))) >> lowBits
    return Weight(low: Int16(value - (high << lowBits)), high: Int16(high))
  }

  private static func lanczos(_ x: Double) -> Double {
    -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : PortableMath.sin(x * .pi) / (x * .pi)
  }
}
