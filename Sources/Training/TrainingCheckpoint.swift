import Basics

/// Where a fit keeps its state, so that one that was killed or cancelled is taken up again: the rest of the run then gives
/// the same numbers, bit for bit, as one that was never stopped.
package protocol TrainingCheckpoint {
  /// The state kept last; nil when there is none. Fails with `.format` when it is damaged.
  func load() throws(Failure) -> TrainingState?

  /// Replaces the state kept last, whole or not at all.
  func save(_ state: TrainingState) throws(Failure)
}

/// A fit between two passes. Randomness has no state: its streams are named by pass, batch and level.
package struct TrainingState {
  package let identity: TrainingIdentity
  /// Passes over the frames finished.
  package let passes: Int
  /// One per level, finest first.
  package let flows: [FlowTrainer.State]

  package init(identity: TrainingIdentity, passes: Int, flows: [FlowTrainer.State]) {
    self.identity = identity
    self.passes = passes
    self.flows = flows
  }
}

/// Saves a fit's state after passes, but not so often that it takes more than a twentieth of the time.
struct CheckpointKeeper {
  private let checkpoint: any TrainingCheckpoint
  private var lastEnd = monotonicSeconds()
  private var lastDuration = 0.0

  init(_ checkpoint: any TrainingCheckpoint) { self.checkpoint = checkpoint }

  /// - Parameter isLast: save in any case.
  mutating func save(_ state: TrainingState, isLast: Bool) throws(Failure) {
    let start = monotonicSeconds()
    guard isLast || start - lastEnd >= lastDuration * 20 else { return }
    try checkpoint.save(state)
    lastEnd = monotonicSeconds()
    lastDuration = lastEnd - start
  }
}
