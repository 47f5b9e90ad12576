import Basics
import Imaging
import Kernels

/// Detectors that judge the same frames, one call at a time. Those with the same encoder and preprocessing share its
/// scratch memory and, for one frame, its computation.
package final class DetectorGroup {
  package let scorers: [FrameScorer]
  /// Of each scorer whether an earlier one has computed the features of a tile that it needs.
  let isEncodedBefore: [Bool]
  private let workers: Workers
  private let thresholds: (Detector) -> DecisionThresholds

  /// - Parameters:
  ///   - detectors: at least one.
  ///   - workers: what shares the work; nobody else may use it.
  ///   - thresholds: what a detector's scores are judged by, e.g. with the caller's thresholds.
  package convenience init(
    _ detectors: [Detector], workers: Workers, thresholds: @escaping (Detector) -> DecisionThresholds
  ) throws(Failure) {
    try self.init(detectors, workers, thresholds, reusing: [])
  }

  private init(
    _ detectors: [Detector], _ workers: Workers, _ thresholds: @escaping (Detector) -> DecisionThresholds,
    reusing old: [FrameScorer]
  ) throws(Failure) {
    var (scorers, isEncodedBefore) = ([FrameScorer](), [Bool]())
    for (index, detector) in detectors.enumerated() {
      let encoder = scorers.lazy.map(\.likelihoods.encoder).first { $0.serves(detector) }
      let scorer: FrameScorer
      // A scorer reused from the previous group keeps its encoder, and the other scorers share that one.
      if index < old.count, old[index].detector === detector {
        scorer = old[index]
      } else {
        let known = encoder ?? old.lazy.map(\.likelihoods.encoder).first { $0.serves(detector) }
        scorer = try FrameScorer(detector, thresholds: thresholds(detector), encoder: known, workers: workers)
      }
      scorers.append(scorer)
      isEncodedBefore.append(encoder === scorer.likelihoods.encoder)
    }
    self.scorers = scorers
    self.isEncodedBefore = isEncodedBefore
    self.workers = workers
    self.thresholds = thresholds
  }

  /// The group with another detector in the place of the `index`-th; the others' scorers, and the threads, go on in it, so
  /// that this group must not be used beside it.
  package func replacing(_ index: Int, with detector: Detector) throws(Failure) -> DetectorGroup {
    guard scorers.indices.contains(index) else {
      throw Failure(.invalidArgument, "there is no model \(index) in a session of \(scorers.count)")
    }
    var detectors = scorers.map(\.detector)
    detectors[index] = detector
    return try DetectorGroup(detectors, workers, thresholds, reusing: scorers)
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
    forEach { (index) throws(Failure) in
      try scorers[index].begin(width: frame.width, height: frame.height, request(index))
    }
    for tile in 0..<scorers.prefix(count).reduce(0, { max($0, $1.tileCount) }) {
      forEach { (index) throws(Failure) in
        guard tile < scorers[index].tileCount else { return }
        try scorers[index].run(tile: tile, of: frame, isEncoded: isEncodedBefore[index])
      }
    }
    forEach { (index) throws(Failure) in try result(index, scorers[index].finish()) }
    if let failure { throw failure }
  }
}
