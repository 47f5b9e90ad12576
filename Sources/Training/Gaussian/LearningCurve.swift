import Basics
import Execution
import OpenBLAS
import Scoring

extension LearningCurve {
  /// Fewer frames would leave too few to fit or to judge.
  private static let smallestFrameCount = 8
  /// Every fourth frame judges: the fits do not see it. The others are learnt from.
  private static let judgedShare = 4

  /// Fits every level's closed form to three quarters of the frames, and to half of those, and asks both how likely the other
  /// frames are. To be used within ``LAPACK/use(_:)``.
  ///
  /// - Parameters:
  ///   - levels: features of the same pictures, all levels.
  ///   - forms: the chosen form of each level.
  ///   - frames: the index of the frame that each picture belongs to, so that all tiles of a frame are on the same side.
  /// - Returns: nil for too few frames.
  static func measured(
    _ levels: [LevelFeatures], forms: [GaussianSelection.Form], frames: [Int], workers: Workers
  ) throws(Failure) -> LearningCurve? {
    let frameCount = (frames.last ?? -1) + 1
    guard frameCount >= smallestFrameCount else { return nil }
    let learning = (0..<frameCount).filter { $0 % judgedShare != judgedShare - 1 }
    let half = stride(from: 0, to: learning.count, by: 2).map { learning[$0] }
    func pictures(_ wanted: [Int]) -> [Int] {
      let wanted = Set(wanted)
      return frames.indices.filter { wanted.contains(frames[$0]) }
    }
    let judged = pictures((0..<frameCount).filter { $0 % judgedShare == judgedShare - 1 })
    func likelihoods(_ learning: [Int]) throws(Failure) -> [Double] {
      var values: [Double] = []
      for (level, form) in zip(levels, forms) {
        let fit = try GaussianFit(
          level.subset(pictures(learning)), hasPositionMeans: form.hasPositionMeans, workers: workers)
        values.append(try fit.likelihood(of: level.subset(judged), form))
      }
      return values
    }
    return try LearningCurve(
      halfCount: half.count, fullCount: learning.count, half: likelihoods(half), full: likelihoods(learning))
  }
}

extension GaussianFit {
  /// The mean log p / C of other frames under a form, with its own shrinkage or the next stronger one, whichever is
  /// likelier, since fewer frames need more of it.
  fileprivate func likelihood(of other: LevelFeatures, _ form: GaussianSelection.Form) throws(Failure) -> Double {
    let shrinkages = GaussianSelection.shrinkages.filter { $0 >= form.likeliestShrinkage }.prefix(2)
    let found = try heldBack(other, rank: form.rank, shrinkages: Array(shrinkages))
    return found.pooled + (found.gains.map { $0.reduce(0, +) }.max() ?? 0)
  }
}
