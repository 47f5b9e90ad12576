import Basics
import Execution

/// Whether a Gaussian is also fitted to the training frames turned by 180 degrees: `CFLOWAD_HALF_TURNS_` in the C header.
///
/// Parts that may lie either way round, or look the same both ways, give twice as many frames to learn from. For other parts a
/// turned frame is a defect.
package enum HalfTurns: Int32, Sendable, CaseIterable {
  /// If turned frames look as good as others to a Gaussian that was fitted without them.
  case automatic = 0
  case never = 1
  case always = 2

  /// The value of the option `--half-turns`.
  package var name: String { "\(self)" }

  /// A picture turned by 180 degrees.
  ///
  /// - Parameter picture: RGB8 without gaps.
  static func turned(_ picture: [UInt8]) -> [UInt8] {
    var turned = picture
    for start in stride(from: 0, to: picture.count - picture.count % 3, by: 3) {
      let source = picture.count - 3 - start
      for channel in 0..<3 { turned[start + channel] = picture[source + channel] }
    }
    return turned
  }

  /// Whether turned pictures look as good as unturned ones: under a Gaussian that was fitted to other, unturned
  /// pictures, a turned one must be likelier than an unturned one in a fair share of pairs, on every level. Must be
  /// used within ``LAPACK/use(_:)``.
  ///
  /// (Whether held-back pictures become likelier after learning from turned ones would be no test: with few frames any additional
  /// ones raise that likelihood, even if the part has a top and turned frames would hide defects.)
  ///
  /// - Parameters:
  ///   - levels: the pictures, unturned.
  ///   - turned: the turned pictures, those that ``judged(_:)`` names and in its order.
  static func lookGood(
    _ levels: [LevelFeatures], turned: [LevelFeatures], workers: Workers
  ) throws(Failure) -> Bool {
    for (level, turned) in zip(levels, turned) {
      let (held, fitted) = level.split(fold: 0, of: GaussianSelection.foldCount)
      let fit = try GaussianFit(level.subset(fitted), hasPositionMeans: true, workers: workers)
      let likelihoods = try fit.logDensities(
        LevelFeatures(grid: level.grid, frames: level.subset(held).frames + turned.frames),
        rank: min(level.grid.channels, GaussianSelection.largestRank), shrinkage: shrinkage)
      let wins = likelihoods[held.count...].reduce(0) { sum, turned in
        sum + likelihoods[..<held.count].count { $0 < turned }
      }
      guard Double(wins) >= smallestShare * Double(held.count * turned.frames.count) else { return false }
    }
    return !levels.isEmpty
  }

  /// Which of so many pictures ``lookGood(_:turned:workers:)`` judges; none when there are too few.
  static func judged(_ count: Int) -> [Int] {
    count < smallestCount ? [] : Array(stride(from: 0, to: count, by: GaussianSelection.foldCount))
  }

  /// With fewer pictures nothing can be said.
  private static let smallestCount = 8

  /// The smallest share of pairs that turned pictures must win. It is a half where turning changes nothing, 0.2 to 0.4
  /// where only light or camera have a direction (solar cells, magnetic tiles), and 0 for bottles and transistors.
  private static let smallestShare = 0.1

  /// The middle one of those that ``GaussianSelection`` tries.
  private static let shrinkage = 0.2
}
