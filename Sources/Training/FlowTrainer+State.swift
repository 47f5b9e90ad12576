import Basics

extension FlowTrainer {
  /// All that is needed, beside first weights and settings, to resume the training of a flow.
  package struct State {
    /// K blocks' trainable numbers, in the order of their layout.
    package let parameters: FloatBuffer
    /// Adam's moments of each of them.
    package let firstMoments: FloatBuffer
    package let secondMoments: FloatBuffer
    /// The number of steps made.
    package let steps: Int

    package init(parameters: FloatBuffer, firstMoments: FloatBuffer, secondMoments: FloatBuffer, steps: Int) {
      self.parameters = parameters
      self.firstMoments = firstMoments
      self.secondMoments = secondMoments
      self.steps = steps
    }
  }

  /// The current state. It refers to the trainer's own memory, and is valid until the next step.
  var state: State {
    State(
      parameters: parameters, firstMoments: adam.firstMoments, secondMoments: adam.secondMoments, steps: stepCount)
  }

  /// Clears Adam's moments and the count of steps, and keeps the parameters. Steps with a learning rate of 0 change no parameter, so
  /// that after them this leaves the trainer as it was before.
  func forgetSteps() {
    adam.firstMoments.base.update(repeating: 0, count: adam.firstMoments.count)
    adam.secondMoments.base.update(repeating: 0, count: adam.secondMoments.count)
    stepCount = 0
  }

  /// Resumes from the state of a trainer that began as this one did. Fails with `.format` when it cannot be one.
  func restore(_ state: State) throws(Failure) {
    let pairs = [
      (state.parameters, parameters), (state.firstMoments, adam.firstMoments),
      (state.secondMoments, adam.secondMoments),
    ]
    guard state.steps >= 0, pairs.allSatisfy({ $0.count == $1.count }) else {
      throw Failure(.format, "the checkpoint's numbers are not \(parameters.count) and their moments")
    }
    guard pairs.allSatisfy({ source, _ in allFinite(source.base, count: source.count) }) else {
      throw Failure(.format, "the checkpoint holds a value that is not finite")
    }
    for (source, target) in pairs { target.base.update(from: source.base, count: source.count) }
    stepCount = state.steps
  }
}
