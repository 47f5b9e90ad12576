/// Random numbers that are the same on every run and machine: xoshiro256** 1.0 (D. Blackman, S. Vigna, "Scrambled Linear
/// Pseudorandom Number Generators", ACM TOMS 2021), its state filled by SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast
/// Splittable Pseudorandom Number Generators", OOPSLA 2014).
///
/// Streams are named, not shared: whoever needs randomness opens the stream of (seed, purpose, indices), e.g. the fiber
/// order of epoch 3, batch 7. So no draw depends on how many were made elsewhere, and work can start in the middle.
package struct Random: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)
  /// The other half of the last pair of normal deviates.
  private var spareNormal: Double?

  /// The stream of a purpose and its indices under a seed.
  package init(seed: UInt64, purpose: String = "", _ indices: Int...) {
    // FNV-1a of the purpose; every part then passes through SplitMix64's mixer, so that (1, 2) is not (2, 1).
    var key: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in purpose.utf8 { key = (key ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var mixer = SplitMix64(state: seed)
    mixer.state = mixer.next() ^ key
    for index in indices { mixer.state = mixer.next() ^ UInt64(bitPattern: Int64(index)) }
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  /// A generator in a given state, of which not all may be 0.
  init(state: (UInt64, UInt64, UInt64, UInt64)) { self.state = state }

  package mutating func next() -> UInt64 {
    let result = rotate(state.1 &* 5, by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, by: 45)
    return result
  }

  private func rotate(_ value: UInt64, by bits: UInt64) -> UInt64 { (value << bits) | (value >> (64 - bits)) }
}

extension Random {
  /// Uniform from 0 up to, not including, 1: a multiple of 2^-53.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform from `range.lowerBound` up to its upper bound.
  package mutating func uniform(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A whole number from 0 up to, not including, `bound`, all equally likely; 0 for a bound below 2.
  ///
  /// D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 2019.
  package mutating func integer(below bound: Int) -> Int {
    guard bound > 1 else { return 0 }
    let width = UInt64(bound)
    var product = next().multipliedFullWidth(by: width)
    if product.low < width {
      let rejected = (0 &- width) % width
      while product.low < rejected { product = next().multipliedFullWidth(by: width) }
    }
    return Int(product.high)
  }

  /// Normal with mean 0 and variance 1, by the polar method (G. Marsaglia, T. Bray, SIAM Review 1964).
  package mutating func normal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    while true {
      let x = 2 * uniform() - 1
      let y = 2 * uniform() - 1
      let square = x * x + y * y
      guard square > 0, square < 1 else { continue }
      let factor = (-2 * log(square) / square).squareRoot()
      spareNormal = y * factor
      return x * factor
    }
  }

  /// Puts the elements in an order of which all are equally likely (R. Fisher, F. Yates; Knuth, volume 2, 3.4.2 P).
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, integer(below: last + 1))
    }
  }

  /// The numbers 0 ..< count in random order.
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<max(count, 0))
    shuffle(&order)
    return order
  }
}

/// SplitMix64: fills the state of another generator from 64 bits.
private struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
