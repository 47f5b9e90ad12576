import Basics

/// The distribution of a map's values over some frames.
struct MapStatistics {
  private let channels: Int
  /// The lowest value of each channel; the highest below.
  private(set) var lowest: [Float]
  private(set) var highest: [Float]
  private var sums: [Double]
  private var squares: [Double]
  private var count = 0
  /// How often values fell into equal parts of the range of all channels together; empty until the range is known.
  private var histogram: [Int] = []

  private static let bins = 2048

  init(channels: Int) {
    self.channels = channels
    lowest = Array(repeating: .infinity, count: channels)
    highest = Array(repeating: -.infinity, count: channels)
    (sums, squares) = (Array(repeating: 0, count: channels), Array(repeating: 0, count: channels))
  }

  /// Mean and mean square of each channel.
  var means: [Double] { sums.map { $0 / Double(max(count, 1)) } }
  var meanSquares: [Double] { squares.map { $0 / Double(max(count, 1)) } }

  /// Whether all values so far, and the distances between them, are finite.
  var isFinite: Bool {
    let (low, high) = range
    return (high - low).isFinite && sums.allSatisfy(\.isFinite)
  }

  /// The range of all channels together, extended to 0.
  private var range: (low: Float, high: Float) { (min(lowest.min() ?? 0, 0), max(highest.max() ?? 0, 0)) }

  /// Extends ranges and moments by a map.
  mutating func addMoments(_ values: UnsafePointer<Float>, positions: Int) {
    count += positions
    for channel in 0..<channels {
      var (low, high) = (lowest[channel], highest[channel])
      var (sum, square) = (0.0, 0.0)
      for position in 0..<positions {
        let value = values[position &* channels &+ channel]
        low = min(low, value)
        high = max(high, value)
        sum += Double(value)
        square += Double(value) * Double(value)
      }
      (lowest[channel], highest[channel]) = (low, high)
      sums[channel] += sum
      squares[channel] += square
    }
  }

  /// Counts a map's values in the histogram. ``addMoments(_:positions:)`` must have seen all maps before.
  mutating func addHistogram(_ values: UnsafePointer<Float>, positions: Int) {
    if histogram.isEmpty { histogram = Array(repeating: 0, count: Self.bins) }
    let (low, high) = range
    let factor = Float(Self.bins) / (high - low)
    // Infinite where all values are 0, or so near it that no narrower range would be worth its rounding errors.
    guard factor.isFinite else { return }
    histogram.withUnsafeMutableBufferPointer { histogram in
      for i in 0..<positions &* channels {
        histogram[max(0, min(Self.bins - 1, Int((values[i] - low) * factor)))] &+= 1
      }
    }
  }

  /// The range, with 0 in it, whose 255 steps give the least mean square error from rounding within the range and from cutting off
  /// what lies beyond it.
  var leastSquaresRange: (low: Float, high: Float) {
    let (low, high) = range
    guard high > low, !histogram.isEmpty else { return (low, high) }
    let width = Double(high - low) / Double(Self.bins)
    let centres = (0..<Self.bins).map { Double(low) + (Double($0) + 0.5) * width }
    func error(_ low: Double, _ high: Double) -> Double {
      let step = (high - low) / 255
      return zip(centres, histogram).reduce(0) { sum, bin in
        guard bin.1 > 0 else { return sum }
        let excess = bin.0 < low ? low - bin.0 : bin.0 > high ? bin.0 - high : 0
        return sum + Double(bin.1) * (excess > 0 ? excess * excess : step * step / 12)
      }
    }
    var best = (low: Double(low), high: Double(high))
    var least = error(best.low, best.high)
    for lowPart in stride(from: 1.0, to: low < 0 ? 0.2 : 0.99, by: -0.05) {
      for highPart in stride(from: 1.0, to: high > 0 ? 0.2 : 0.99, by: -0.025) {
        let candidate = (low: Double(low) * lowPart, high: Double(high) * highPart)
        let error = error(candidate.low, candidate.high)
        if error < least { (least, best) = (error, candidate) }
      }
    }
    return (Float(best.low), Float(best.high))
  }
}
