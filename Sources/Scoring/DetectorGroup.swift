import Basics
import Execution
import Imaging

/// Detectors that score the same frames, one call at a time. Those with the same encoder and preprocessing share the encoder's
/// scratch memory, and it runs once a tile for all of them.
package final class DetectorGroup {
  package let scorers: [FrameScorer]
  /// For each scorer, whether an earlier scorer computes the features of a tile that it needs.
  let isEncodedBefore: [Bool]
  private let workers: Workers
  private let thresholds: (Detector) -> DecisionThresholds

  /// - Parameters:
  ///   - detectors: at least one.
  ///   - workers: share the work; nobody else may use them.
  ///   - thresholds: gives the thresholds for a detector's scores, e.g. those of the caller.
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
      let encoding = scorers.first { $0.encodes(for: detector) }
      let scorer: FrameScorer
      // A scorer reused from the previous group keeps its encoder, and the other scorers share that one.
      if index < old.count, old[index].detector === detector {
        scorer = old[index]
      } else {
        let known = encoding ?? old.first { $0.encodes(for: detector) }
        scorer = try FrameScorer(detector, thresholds(detector), workers, encodingWith: known)
      }
      scorers.append(scorer)
      isEncodedBefore.append(encoding?.encoder === scorer.encoder)
    }
    self.scorers = scorers
    self.isEncodedBefore = isEncodedBefore
    self.workers = workers
    self.thresholds = thresholds
  }

  /// Makes a group with another detector in the place of the `index`-th. The new group uses the other scorers and the threads of
  /// this one, so the two must not be used at the same time.
  package func replacing(_ index: Int, with detector: Detector) throws(Failure) -> DetectorGroup {
    guard scorers.indices.contains(index) else {
      throw Failure(.invalidArgument, "there is no model \(index) in a session of \(scorers.count)")
    }
    var detectors = scorers.map(\.detector)
    detectors[index] = detector
    return try DetectorGroup(detectors, workers, thresholds, reusing: scorers)
  }

  /// Scores a frame with every detector, tile by tile, so that those with the same encoder share the features of each tile.
  /// When a detector fails, those before it still score the frame, and those after it do not.
  ///
  /// - Parameters:
  ///   - request: what is wanted of the `index`-th.
  ///   - result: is given the result of the `index`-th.
  package func score(
    _ frame: Frame, request: (_ index: Int) throws(Failure) -> FrameRequest,
    result: (_ index: Int, FrameResult) throws(Failure) -> Void
  ) throws(Failure) {
    var (count, failure) = (scorers.count, Failure?.none)
    // When a scorer fails, it and those behind it are left out of the steps that follow.
    func forEach(_ step: (_ index: Int) throws(Failure) -> Void) {
      for index in 0..<count {
        do throws(Failure) { try step(index) } catch {
          (count, failure) = (index, error.within("model \(index)"))
          return
        }
      }
    }
    forEach { (index) throws(Failure) in
      let (scorer, request) = (scorers[index], try request(index))
      scorer.begin(try scorer.layout(width: frame.width, height: frame.height, request), request)
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
