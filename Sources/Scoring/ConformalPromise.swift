import Basics

/// What a threshold set by the scores of n good frames promises about further good frames: split-conformal prediction
/// (Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction", 2021,
/// sections 1 and 3.2).
///
/// A frame is rejected when its score is above the k-th smallest of the n. When the n frames and the new one come from the same
/// production in no particular order, the new one's rank among all is uniform: it is rejected with probability at most (n + 1 - k)
/// / (n + 1), whatever the scores' distribution. That is an average over calibrations. After one particular calibration the rate of
/// the line is a draw from Beta(n + 1 - k, k).
package struct ConformalPromise: Sendable, Equatable {
  /// The number of frames up to which ``likelyRate`` is fast.
  package static let largestFrameCount = 1_000_000

  /// n.
  package let frameCount: Int
  /// How many of the n + 1 ranks are rejected: n + 1 - k.
  package let rejectedRanks: Int

  /// Rejects as many ranks as `wantedRate` allows. With too few frames for that it rejects one, which is a rate of 1 / (n + 1).
  ///
  /// - Parameters:
  ///   - frameCount: at least 0.
  ///   - wantedRate: wanted share of good frames above the threshold, 0...1.
  package init(frameCount: Int, wantedRate: Double) {
    self.frameCount = frameCount
    // The Float 0.01 is a little less than 0.01, but must allow one of 100 ranks.
    let allowed = (Double(frameCount) + 1) * wantedRate * (1 + 1e-6)
    rejectedRanks = frameCount == 0 ? 1 : min(max(Int(allowed), 1), frameCount)
  }

  /// - Parameter rejectedRanks: 1...`frameCount` + 1.
  init(frameCount: Int, rejectedRanks: Int) {
    (self.frameCount, self.rejectedRanks) = (frameCount, rejectedRanks)
  }

  /// The largest probability that a new good frame is rejected, averaged over calibrations.
  package var rate: Double { Double(rejectedRanks) / (Double(frameCount) + 1) }

  /// The rate that the line's own does not exceed in 95 of 100 calibrations: the 95 % quantile of the Beta distribution.
  package var likelyRate: Double {
    guard frameCount > 0 else { return 1 }
    // P(rate > p) = P(at most rejectedRanks - 1 of n frames are above the quantile): a binomial's lower tail.
    var (low, high) = (0.0, 1.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if binomialTail(atMost: rejectedRanks - 1, of: frameCount, probability: middle) > 0.05 {
        low = middle
      } else {
        high = middle
      }
    }
    return high
  }

  /// The rank k of the threshold among ascending scores, counted from 1. There must be frames.
  var rank: Int { frameCount + 1 - rejectedRanks }

  /// The fewest good frames with which a rate can be promised; nil for 0, which no number of frames promises.
  package static func framesNeeded(wantedRate: Double) -> Int? {
    guard wantedRate > 0 else { return nil }
    return Int(exactly: max((1 / (wantedRate * (1 + 1e-6))).rounded(.up) - 1, 1))
  }
}

/// P(X <= most) of a binomial distribution.
private func binomialTail(atMost most: Int, of count: Int, probability: Double) -> Double {
  guard probability > 0 else { return 1 }
  guard probability < 1 else { return most >= count ? 1 : 0 }
  let (hit, miss) = (log(probability), log1p(-probability))
  var logTerm = Double(count) * miss
  var sum = exp(logTerm)
  for successes in 0..<max(min(most, count), 0) {
    logTerm += log(Double(count - successes) / Double(successes + 1)) + hit - miss
    sum += exp(logTerm)
  }
  return min(sum, 1)
}
