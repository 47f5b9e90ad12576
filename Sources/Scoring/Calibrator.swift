import Basics
import Kernels

/// Freezes a detector's constants from the log-likelihoods of good frames.
package struct Calibrator {
  private let detector: Detector
  /// Per frame, the levels' grids one after the other.
  private var frames: [[Float]] = []

  package init(_ detector: Detector) { self.detector = detector }

  package var frameCount: Int { frames.count }

  /// Adds the frame that the session ran last.
  package mutating func add(_ session: LikelihoodSession) throws(Failure) {
    guard session.isFinite else {
      throw Failure(.diverged, "calibration frame \(frames.count) gives log-likelihoods that are not finite")
    }
    frames.append(Array(UnsafeBufferPointer(start: session.logLikelihoods, count: detector.positionCount)))
  }

  /// - Parameter falseRejectRate: wanted share of good frames above the threshold, 0...0.5.
  package func calibration(falseRejectRate: Double) throws(Failure) -> Calibration {
    guard !frames.isEmpty else { throw Failure(.state, "no frame was given to calibrate with") }
    var levelMaxima: [Double] = []
    var start = 0
    for grid in detector.levels {
      let range = start..<start + grid.positions
      levelMaxima.append(frames.reduce(-.infinity) { max($0, Double($1[range].max() ?? -.infinity)) })
      start += grid.positions
    }

    let (width, height) = (detector.preprocessing.width, detector.preprocessing.height)
    let map = try AnomalyMap(width: width, height: height, levels: detector.levels)
    let sums = try FloatBuffer(count: width * height)
    // A frame's score is total - (the minimum of its sum); the total is the maximum over all frames' sums.
    var total = -Float.infinity
    var minima: [Float] = []
    for frame in frames {
      frame.withUnsafeBufferPointer { values in
        guard let values = values.baseAddress else { return }
        map.sum(logLikelihoods: values, levelMaxima: levelMaxima, into: sums.base)
      }
      let pixels = UnsafeBufferPointer(start: sums.base, count: sums.count)
      total = max(total, pixels.max() ?? -.infinity)
      minima.append(pixels.min() ?? .infinity)
    }
    let scores = minima.map { total - $0 }
    return try Calibration(
      levelMaxima: levelMaxima, total: Double(total),
      threshold: Self.threshold(scores, falseRejectRate: falseRejectRate), scores: scores)
  }

  /// The split-conformal quantile (Vovk et al.; Angelopoulos and Bates 2021, section 1): a new good frame exceeds the
  /// ceil((n + 1)(1 - rate))-th smallest of n scores with probability at most `rate`. With fewer frames than that needs,
  /// the largest score: then the promise is 1 / (n + 1).
  private static func threshold(_ scores: [Float], falseRejectRate: Double) -> Float {
    let sorted = scores.sorted()
    let rank = (Double(sorted.count + 1) * (1 - falseRejectRate)).rounded(.up)
    return sorted[min(max(Int(rank), 1), sorted.count) - 1]
  }
}
