import Basics
import Kernels

/// Whether a Gaussian is also fitted to the training frames turned by 180 degrees: `CFLOWAD_HALF_TURNS_` in the C header.
///
/// Parts that lie either way round, or look alike both ways, give twice the frames to learn from. For the others a turned
/// frame is a defect.
package enum HalfTurns: Int32, Sendable, CaseIterable {
  /// When turned frames look as good as others, to a Gaussian that was fitted without them.
  case automatic = 0
  case never = 1
  case always = 2

  /// That of the option `--half-turns`.
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

  /// Whether pictures that were turned look as good as they do unturned: by a Gaussian that was fitted to other pictures,
  /// unturned, a turned one is likelier than an unturned one in a fair share of pairs, on every level. To be used within
  /// ``LAPACK/use(_:)``.
  ///
  /// (That held-back pictures are likelier when turned ones are learnt from would be no test: where frames are few, any more
  /// of them steady the covariances, while the turned ones of a part that has an upper end hide defects.)
  ///
  /// - Parameters:
  ///   - levels: the pictures, unturned.
  ///   - turned: those of them that ``judged(_:)`` names, turned, in its order.
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

  /// Which of so many pictures are judged by ``lookGood(_:turned:workers:)``; none when they are too few to say anything.
  static func judged(_ count: Int) -> [Int] {
    count < smallestCount ? [] : Array(stride(from: 0, to: count, by: GaussianSelection.foldCount))
  }

  /// Fewer pictures say nothing.
  private static let smallestCount = 8

  /// Of pairs that a turned picture wins: a half where turning changes nothing; 0.2 to 0.4 where only light or camera have a
  /// direction (solar cells, magnetic tiles); none of bottles and transistors.
  private static let smallestShare = 0.1

  /// In the middle of those that are tried.
  private static let shrinkage = 0.2
}
