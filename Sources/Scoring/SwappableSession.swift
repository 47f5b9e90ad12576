import Basics
import Kernels

/// A group of detectors that one call at a time may use, and whose detectors can be exchanged meanwhile.
package final class SwappableSession: Sendable {
  private let group: Exclusive<DetectorGroup>
  /// What a detector's scores are judged by, e.g. with the caller's thresholds.
  private let thresholds: @Sendable (Detector) -> DecisionThresholds

  package init(
    _ detectors: [Detector], workers: Workers, thresholds: @escaping @Sendable (Detector) -> DecisionThresholds
  ) throws(Failure) {
    self.thresholds = thresholds
    let group = try DetectorGroup(detectors.map { ($0, thresholds($0)) }, workers: workers)
    self.group = Exclusive(group, name: "session")
  }

  /// Runs a call. Fails with `.busy` when another one runs.
  package func use(_ body: (DetectorGroup) throws(Failure) -> Void) throws(Failure) { try group.use(body) }

  /// Puts another detector in the place of the `index`-th, as ``Exclusive/exchange(_:)`` does.
  package func replace(_ index: Int, with detector: Detector) throws(Failure) {
    try group.exchange { (latest) throws(Failure) in
      guard latest.scorers.indices.contains(index) else {
        throw Failure(.invalidArgument, "there is no model \(index) in a session of \(latest.scorers.count)")
      }
      return try latest.replacing(index, with: detector, thresholds(detector))
    }
  }
}
