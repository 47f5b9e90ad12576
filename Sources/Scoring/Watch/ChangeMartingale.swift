import Basics

/// Evidence against p-values being independent and uniform: the capital of somebody who bets on them from 1 on, without odds
/// against him. As long as they are, nobody can expect it to grow, and the probability that it ever reaches 1 / a is at most a (J.
/// Ville, 1939), however long he bets.
///
/// He does not know when a change will come. So a share 1 / (k (k + 1)) of his capital is put on the k-th p-value and those after
/// it, and what is not placed yet is kept: after a year without a change the evidence is as far from 1 / a as the logarithm of the
/// number of frames, not as that number. Each share is divided among bets on high scores and on low ones, moderate and bold:
/// 1 + e (p - 1/2) for e = -1, 1, and k p^(k - 1) for k = 1/2, 1/5 and the same of 1 - p. All have the integral 1.
struct ChangeMartingale {
  static let betCount = 6
  /// The largest capital, so that it stays finite. Cutting capital off makes the evidence smaller, never larger.
  private static let most = 1e100

  /// The capital that has been bet, for each kind of bet.
  private(set) var capitals = Array(repeating: 0.0, count: betCount)
  private(set) var frameCount: UInt64 = 0

  /// The capital, with what has not been bet yet.
  var evidence: Double { capitals.reduce(1 / (Double(frameCount) + 1), +) }

  mutating func reset() { self = ChangeMartingale() }

  mutating func restore(_ capitals: [Double], frameCount: UInt64) -> Bool {
    guard capitals.count == Self.betCount, capitals.allSatisfy({ (0...Self.most).contains($0) }) else { return false }
    (self.capitals, self.frameCount) = (capitals, frameCount)
    return true
  }

  /// - Parameter p: above 0 and below 1.
  mutating func add(_ p: Double) {
    frameCount += 1
    let placed = 1 / (Double(frameCount) * (Double(frameCount) + 1) * Double(Self.betCount))
    for bet in 0..<Self.betCount {
      capitals[bet] = min((capitals[bet] + placed) * Self.factor(bet, p), Self.most)
    }
  }

  private static func factor(_ bet: Int, _ p: Double) -> Double {
    switch bet {
    case 0: 1.5 - p
    case 1: 0.5 + p
    case 2: 0.5 / p.squareRoot()
    case 3: 0.5 / (1 - p).squareRoot()
    case 4: 0.2 * pow(p, -0.8)
    default: 0.2 * pow(1 - p, -0.8)
    }
  }
}
