import Basics

/// Where a fit keeps its state, so that one that was killed or cancelled is taken up again: the rest of the run then gives
/// the same numbers, bit for bit, as one that was never stopped.
package protocol TrainingCheckpoint {
  /// The state kept last; nil when there is none. Fails with `.format` when it is damaged.
  func load() throws(Failure) -> TrainingState?

  /// Replaces the state kept last, whole or not at all.
  func save(_ state: TrainingState) throws(Failure)
}

/// A fit between two passes, or between two coupling steps. Randomness has no state: its streams are named by pass, batch and
/// level, or by level and step.
package struct TrainingState {
  package let identity: TrainingIdentity
  /// Passes over the frames finished, or coupling steps of all levels together.
  package let passes: Int
  /// One per level, finest first.
  package let flows: [FlowTrainer.State]
  /// Of a fit from a closed form on: the coupling steps for each level that it had planned.
  package let plannedSteps: Int?
  /// And what each level's couplings have come to.
  package let couplings: [CouplingState]

  package init(
    identity: TrainingIdentity, passes: Int, flows: [FlowTrainer.State], plannedSteps: Int? = nil,
    couplings: [CouplingState] = []
  ) {
    self.identity = identity
    self.passes = passes
    self.flows = flows
    self.plannedSteps = plannedSteps
    self.couplings = couplings
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
