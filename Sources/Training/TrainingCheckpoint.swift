import Basics

/// Stores a fit's state, so that one that was killed or cancelled can be resumed. It then ends with the same numbers,
/// bit for bit, as a fit that was never stopped.
package protocol TrainingCheckpoint {
  /// The state that was saved last; nil when there is none. Fails with `.format` when it is damaged.
  func load() throws(Failure) -> TrainingState?

  /// Replaces the saved state, whole or not at all.
  func save(_ state: TrainingState) throws(Failure)
}

/// The state of a fit between two passes or two coupling steps. Random numbers need no state, since their streams are
/// named by pass, batch and level, or by level and step.
package struct TrainingState {
  package let identity: TrainingIdentity
  /// How many passes over the frames are finished, or coupling steps of all levels together.
  package let passes: Int
  /// One per level, finest first.
  package let flows: [FlowTrainer.State]
  /// For a fit from a closed form: how many coupling steps it planned for each level.
  package let plannedSteps: Int?
  /// For a fit from a closed form: the state of each level's couplings.
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

  /// - Parameter isLast: saves in any case.
  mutating func save(_ state: TrainingState, isLast: Bool) throws(Failure) {
    let start = monotonicSeconds()
    guard isLast || start - lastEnd >= lastDuration * 20 else { return }
    try checkpoint.save(state)
    lastEnd = monotonicSeconds()
    lastDuration = lastEnd - start
  }
}
