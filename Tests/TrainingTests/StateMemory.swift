import Basics

@testable import Training

/// Keeps states in memory, copied as a file would.
final class StateMemory: TrainingCheckpoint {
  var states: [TrainingState] = []

  func load() throws(Failure) -> TrainingState? { states.last }

  func save(_ state: TrainingState) throws(Failure) {
    func copy(_ buffer: FloatBuffer) throws(Failure) -> FloatBuffer {
      let copy = try FloatBuffer(count: buffer.count)
      copy.base.update(from: buffer.base, count: buffer.count)
      return copy
    }
    var flows: [FlowTrainer.State] = []
    for flow in state.flows {
      flows.append(
        FlowTrainer.State(
          parameters: try copy(flow.parameters), firstMoments: try copy(flow.firstMoments),
          secondMoments: try copy(flow.secondMoments), steps: flow.steps))
    }
    var couplings: [CouplingState] = []
    for coupling in state.couplings {
      var best: FloatBuffer?
      if let buffer = coupling.best { best = try copy(buffer) }
      couplings.append(CouplingState(gains: coupling.gains, best: best))
    }
    states.append(
      TrainingState(
        identity: state.identity, passes: state.passes, flows: flows, plannedSteps: state.plannedSteps,
        couplings: couplings))
  }
}
