import Basics
import Execution
import Kernels
import OpenBLAS

/// Chooses the form of each level's Gaussian by the log-likelihood of frames that it was not fitted to (cross-validation).
struct GaussianSelection {
  /// The form of a level's Gaussian.
  struct Form: Equatable {
    /// Whether each position has a mean of its own.
    var hasPositionMeans: Bool
    /// r: leading directions in which each position has a covariance of its own.
    var rank: Int
    /// a: the shrinkage towards the covariance of all positions that has the largest likelihood.
    var likeliestShrinkage: Double
    /// Mean log p / C of held-back frames, cross-validated; NaN where no frame could be held back.
    var heldBack: Double

    /// The shrinkage that is used. Typical fibers decide the likelihood, and a wide Gaussian is safe for them; strange
    /// ones decide detection, and a narrower Gaussian tells them apart better. Over classes of parts and textures
    /// (docs/quality.md) a third of the likeliest a found as many defects or more, while less than 0.08 found fewer.
    var shrinkage: Double { max(likeliestShrinkage / 3, 0.08) }

    /// The form in words.
    var description: String {
      let mean = hasPositionMeans ? "means" : "one mean"
      let covariance =
        rank == 0 ? "one covariance" : "covariances of rank \(rank) shrunk by \((shrinkage * 1000).rounded() / 1000)"
      return "\(mean) and \(covariance)"
    }
  }

  /// The shrinkages that are tried. Half of a step hardly changes what is detected.
  static let shrinkages = [0.05, 0.1, 0.2, 0.35, 0.6]

  /// The largest rank that is tried, since a position's covariance takes time with its third power.
  static let largestRank = 256

  static let foldCount = 4

  /// - Parameters:
  ///   - levels: features of the same frames, all levels.
  ///   - byteCount: how many bytes the positions' own covariances may take in all levels together.
  ///   - isPooled: whether all positions share one mean and one covariance, which leaves nothing to choose.
  static func forms(
    _ levels: [LevelFeatures], byteCount: Int, isPooled: Bool = false, workers: Workers
  ) throws(Failure) -> [Form] {
    var scores: [LevelScores] = []
    for level in levels {
      scores.append(try LevelScores(level, byteCount: byteCount, isPooled: isPooled, workers))
    }
    // Each level takes the form whose likelihood less the price of its bytes is best. The lowest price is searched for at which
    // the forms of all levels fit into the bytes that there are; it is 0 if they fit anyway.
    var price = 0.0
    if forms(scores, price).byteCount > byteCount {
      var (low, high) = (0.0, 1.0)
      while forms(scores, high).byteCount > byteCount { high *= 16 }
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if forms(scores, middle).byteCount > byteCount { low = middle } else { high = middle }
      }
      price = high
    }
    return forms(scores, price).forms
  }

  private static func forms(_ scores: [LevelScores], _ price: Double) -> (forms: [Form], byteCount: Int) {
    let choices = scores.map { $0.best(priceOfByte: price) }
    return (choices.map(\.form), choices.reduce(0) { $0 + $1.byteCount })
  }
}

/// How likely frames are under every form of a level's Gaussian that was fitted without them.
private struct LevelScores {
  private let grid: Grid
  private let pooledMean: Double
  private let pooled: Double
  /// By shrinkage, then by direction.
  private let gains: [[Double]]

  init(_ features: LevelFeatures, byteCount: Int, isPooled: Bool, _ workers: Workers) throws(Failure) {
    grid = features.grid
    let shrinkages = GaussianSelection.shrinkages
    var rank = min(grid.channels, GaussianSelection.largestRank)
    while rank > 0, Self.byteCount(grid, rank: rank) > byteCount { rank -= 1 }
    let frameCount = features.frames.count
    guard features.pictureCount > 1 else {
      // A single frame does not deviate from its positions' means.
      (pooledMean, pooled, gains) = (.nan, -.infinity, shrinkages.map { _ in [] })
      return
    }
    var (pooledMean, pooled) = (0.0, 0.0)
    var gains = shrinkages.map { _ in [Double](repeating: 0, count: rank) }
    let foldCount = min(GaussianSelection.foldCount, features.pictureCount)
    for fold in 0..<foldCount {
      let (held, rest) = features.split(fold: fold, of: foldCount)
      let fitted = features.subset(rest)
      let share = Double(held.count) / Double(frameCount)
      let common = try GaussianFit(fitted, hasPositionMeans: false, workers: workers)
      pooledMean += share * (try common.heldBack(features.subset(held), rank: 0, shrinkages: []).pooled)
      guard !isPooled, fitted.frames.count > 1 else {
        pooled = -.infinity
        continue
      }
      let own = try GaussianFit(fitted, hasPositionMeans: true, workers: workers)
      let scores = try own.heldBack(features.subset(held), rank: rank, shrinkages: shrinkages)
      pooled += share * scores.pooled
      for (index, values) in scores.gains.enumerated() {
        for (direction, value) in values.enumerated() { gains[index][direction] += share * value }
      }
    }
    (self.pooledMean, self.pooled, self.gains) = (pooledMean, pooled, gains)
  }

  private static func byteCount(_ grid: Grid, rank: Int) -> Int {
    grid.positions * rank * (rank + 1) / 2 * MemoryLayout<Int16>.stride
  }

  /// The likeliest form when each of its bytes costs this much likelihood.
  func best(priceOfByte: Double) -> (form: GaussianSelection.Form, byteCount: Int) {
    var best = GaussianSelection.Form(hasPositionMeans: false, rank: 0, likeliestShrinkage: 1, heldBack: pooledMean)
    guard pooled.isFinite else { return (best, 0) }
    var value = pooledMean
    if pooled >= pooledMean {
      best = GaussianSelection.Form(hasPositionMeans: true, rank: 0, likeliestShrinkage: 1, heldBack: pooled)
      value = pooled
    }
    for (shrinkage, gains) in zip(GaussianSelection.shrinkages, gains) {
      var likelihood = pooled
      for (direction, gain) in gains.enumerated() {
        likelihood += gain
        let rank = direction + 1
        let worth = likelihood - priceOfByte * Double(Self.byteCount(grid, rank: rank))
        guard worth > value else { continue }
        value = worth
        best = GaussianSelection.Form(
          hasPositionMeans: true, rank: rank, likeliestShrinkage: shrinkage, heldBack: likelihood)
      }
    }
    return (best, Self.byteCount(grid, rank: best.rank))
  }
}
