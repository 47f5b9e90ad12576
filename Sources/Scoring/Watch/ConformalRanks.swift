import Basics

/// Ranks of new scores among those of the calibration, as p-values that are independent and uniform on 0...1 as long as all come
/// from one production in no particular order (exchangeable), whatever the scores' distribution.
///
/// The p-values in frames' results are not independent: all frames are ranked among the same calibration, so if that happens to
/// have few high scores, every frame's p-value is too low, however long the line runs. Here the calibration and the frames so far
/// are ranked together. It is enough to know how many frames c_j fell into each of the n + 1 gaps j between the n calibration
/// scores: of exchangeable scores the next one falls into gap j with probability (1 + c_j) / (n + 1 + m) after m frames, which is
/// Polya's urn. The p-value is the probability of a higher gap plus a uniform share of the probability of its own gap ("smoothed":
/// V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005). Memory does not grow with frames.
struct ConformalRanks {
  /// The calibration's scores in ascending order, with a uniform random number for each, ascending among equal scores. It decides
  /// between which of the equal scores a new equal one falls.
  private let calibration: [(score: Float, tieBreak: Double)]
  /// How many frames fell into each gap, the lowest first.
  private(set) var counts: [UInt64]
  private(set) var frameCount: UInt64 = 0

  /// - Parameter seed: the seed of the numbers that break ties.
  init(_ scores: [Float], seed: UInt64) throws(Failure) {
    try checkMemory(for: scores.count, of: (Float, Double).self)
    try checkMemory(for: scores.count + 1, of: UInt64.self)
    var random = Random(seed: seed, purpose: "ties of calibration scores")
    calibration = scores.map { ($0, random.uniform()) }.sorted { $0 < $1 }
    counts = Array(repeating: 0, count: scores.count + 1)
  }

  mutating func reset() {
    for gap in counts.indices { counts[gap] = 0 }
    frameCount = 0
  }

  /// Takes over counts from an earlier time. Returns false when they cannot be of this calibration.
  mutating func restore(_ counts: [UInt64]) -> Bool {
    var sum: UInt64 = 0
    for count in counts {
      let (next, isTooLarge) = sum.addingReportingOverflow(count)
      guard !isTooLarge else { return false }
      sum = next
    }
    guard counts.count == self.counts.count, sum < 1 << 52 else { return false }
    (self.counts, frameCount) = (counts, sum)
    return true
  }

  /// The p-value of the next frame's score, small for high scores. It is above 0 and below 1.
  ///
  /// - Parameters:
  ///   - tieBreak, smoothing: uniform numbers.
  mutating func add(_ score: Float, tieBreak: Double, smoothing: Double) -> Double {
    let gap = self.gap(score, tieBreak)
    var above: UInt64 = 0
    for higher in counts.indices.dropFirst(gap + 1) { above += 1 + counts[higher] }
    let own = Double(1 + counts[gap])
    let total = Double(UInt64(counts.count) + frameCount)
    counts[gap] += 1
    frameCount += 1
    return min(max((Double(above) + smoothing * own) / total, 0x1p-60), 1 - 0x1p-53)
  }

  /// The share of calibration scores that are at least this one, by which a person sees where scores have gone.
  func shareNotBelow(_ score: Float) -> Double {
    guard !calibration.isEmpty else { return .nan }
    return Double(calibration.count - gap(score, 0)) / Double(calibration.count)
  }

  /// How many calibration scores are lower.
  private func gap(_ score: Float, _ tieBreak: Double) -> Int {
    var (low, high) = (0, calibration.count)
    while low < high {
      let middle = (low + high) / 2
      if calibration[middle] < (score, tieBreak) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
