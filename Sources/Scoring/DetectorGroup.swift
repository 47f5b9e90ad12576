import Basics
import Kernels

/// Detectors that judge the same frames, one call at a time. Those with the same encoder and preprocessing share its
/// scratch memory and, for one frame, its computation.
///
/// Sendable because ``ScoringSession`` sees to it that one thread at a time uses it.
package final class DetectorGroup: @unchecked Sendable {
  package struct Member {
    package let session: DetectorSession
    /// Whether an earlier member's score of a frame has computed the features that this one needs.
    package let isEncodedBefore: Bool
  }

  package let members: [Member]
  private let workers: Workers

  /// - Parameters:
  ///   - detectors: at least one, each with what its scores are judged by.
  ///   - workers: what shares the work; nobody else may use it.
  package convenience init(_ detectors: [(Detector, Judge)], workers: Workers) throws(Failure) {
    try self.init(detectors, workers: workers, reusing: [])
  }

  private init(
    _ detectors: [(detector: Detector, judge: Judge)], workers: Workers, reusing old: [DetectorSession]
  ) throws(Failure) {
    var members: [Member] = []
    for (index, (detector, judge)) in detectors.enumerated() {
      let encoder = members.lazy.map(\.session.likelihoods.encoder).first { $0.serves(detector) }
      let session: DetectorSession
      // A session that went on from the group before keeps its encoder, which the others then take as well.
      if index < old.count, old[index].detector === detector {
        session = old[index]
      } else {
        let shared: FrameEncoder
        if let known = encoder ?? old.lazy.map(\.likelihoods.encoder).first(where: { $0.serves(detector) }) {
          shared = known
        } else {
          shared = try FrameEncoder(detector, workers: workers)
        }
        session = try DetectorSession(detector, judge: judge, encoder: shared, workers: workers)
      }
      members.append(Member(session: session, isEncodedBefore: encoder === session.likelihoods.encoder))
    }
    self.members = members
    self.workers = workers
  }

  /// The group with another detector in a member's place; the other members' sessions, and the threads, go on in it, so
  /// that this group must not be used beside it.
  func replacing(_ index: Int, with detector: Detector, _ judge: Judge) throws(Failure) -> DetectorGroup {
    let old = members.map(\.session)
    var detectors = old.map { (detector: $0.detector, judge: $0.judge) }
    detectors[index] = (detector, judge)
    return try DetectorGroup(detectors, workers: workers, reusing: old)
  }
}
