import Basics
import Imaging
import Kernels

/// Detectors that judge the same frames, one call at a time. Those with the same encoder and preprocessing share its
/// scratch memory and, for one frame, its computation.
///
/// Sendable because ``SwappableSession`` sees to it that one thread at a time uses it.
package final class DetectorGroup: @unchecked Sendable {
  package let scorers: [FrameScorer]
  /// Of each scorer whether an earlier one has computed the features of a tile that it needs.
  let isEncodedBefore: [Bool]
  private let workers: Workers

  /// - Parameters:
  ///   - detectors: at least one, each with what its scores are judged by.
  ///   - workers: what shares the work; nobody else may use it.
  package convenience init(_ detectors: [(Detector, DecisionThresholds)], workers: Workers) throws(Failure) {
    try self.init(detectors, workers: workers, reusing: [])
  }

  private init(
    _ detectors: [(detector: Detector, thresholds: DecisionThresholds)], workers: Workers, reusing old: [FrameScorer]
  ) throws(Failure) {
    var (scorers, isEncodedBefore) = ([FrameScorer](), [Bool]())
    for (index, (detector, thresholds)) in detectors.enumerated() {
      let encoder = scorers.lazy.map(\.likelihoods.encoder).first { $0.serves(detector) }
      let scorer: FrameScorer
      // One that went on from the group before keeps its encoder, which the others then take as well.
      if index < old.count, old[index].detector === detector {
        scorer = old[index]
      } else {
        let known = encoder ?? old.lazy.map(\.likelihoods.encoder).first { $0.serves(detector) }
        scorer = try FrameScorer(detector, thresholds: thresholds, encoder: known, workers: workers)
      }
      scorers.append(scorer)
      isEncodedBefore.append(encoder === scorer.likelihoods.encoder)
    }
    self.scorers = scorers
    self.isEncodedBefore = isEncodedBefore
    self.workers = workers
  }

  /// The group with another detector in the place of the `index`-th; the others' scorers, and the threads, go on in it, so
  /// that this group must not be used beside it.
  func replacing(
    _ index: Int, with detector: Detector, _ thresholds: DecisionThresholds
  ) throws(Failure) -> DetectorGroup {
    var detectors = scorers.map { (detector: $0.detector, thresholds: $0.thresholds) }
    detectors[index] = (detector, thresholds)
    return try DetectorGroup(detectors, workers: workers, reusing: scorers)
  }

  /// Scores a frame with every detector, tile by tile, so that those with the same encoder share the features of each tile.
  /// The detectors before the first that fails score it all the same.
  ///
  /// - Parameters:
  ///   - request: what is wanted of the `index`-th.
  ///   - result: is given what it found.
  package func score(
    _ frame: Frame, request: (_ index: Int) throws(Failure) -> FrameRequest,
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    var (count, failure) = (scorers.count, Failure?.none)
    // One that fails is left out of the steps that follow, as are those behind it.
    func forEach(_ step: (_ index: Int) throws(Failure) -> Void) {
      for index in 0..<count {
        do throws(Failure) { try step(index) } catch {
          (count, failure) = (index, error.within("model \(index)"))
          return
        }
      }
    }
    var tileCount = 0
    forEach { (index) throws(Failure) in
      try scorers[index].begin(width: frame.width, height: frame.height, request(index))
      tileCount = max(tileCount, scorers[index].tileCount)
    }
    for tile in 0..<tileCount {
      forEach { (index) throws(Failure) in
        guard tile < scorers[index].tileCount else { return }
        try scorers[index].run(tile: tile, of: frame, isEncoded: isEncodedBefore[index])
      }
    }
    forEach { (index) throws(Failure) in try result(index, scorers[index].finish()) }
    if let failure { throw failure }
  }
}
