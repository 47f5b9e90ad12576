import Basics
import Flows

extension TrainingOptions {
  /// Where the flows of a new detector begin. The numbers are those of `CFLOWAD_START_` in the C header.
  package enum Start: Int32, Sendable, CaseIterable {
    /// At a Gaussian, unless an option of the other kinds of training says that one of those is meant.
    case automatic = 0
    /// At FrEIA's random weights, as the original system's, and trained by its loops.
    case paper = 1
    /// At a Gaussian per position, in closed form.
    case gaussian = 2
  }

  /// The start that is meant: ``Start/automatic`` becomes ``Start/paper`` when an option that only the paper's training has
  /// differs from its default.
  package var chosenStart: Start {
    guard start == .automatic else { return start }
    return couplingSteps > 0 || paperOptions == TrainingOptions().paperOptions ? .gaussian : .paper
  }

  /// With the start that is meant, and without the default rotation where there is none.
  package var resolved: TrainingOptions {
    var options = self
    options.start = chosenStart
    if options.start == .gaussian, rotationDegrees == Self.defaultRotation { options.rotationDegrees = 0 }
    return options
  }

  /// Fails with `.invalidArgument` when an option would have no effect.
  func checkStart() throws(Failure) {
    guard start == .gaussian else {
      guard couplingSteps == 0 else {
        throw Failure(.invalidArgument, "\(couplingSteps) coupling steps are for a Gaussian start")
      }
      guard halfTurns == .automatic else {
        throw Failure(.invalidArgument, "half turns \(halfTurns.name) is for a Gaussian start")
      }
      return
    }
    guard rotationDegrees != 0 else { return }
    throw Failure(
      .invalidArgument,
      "a rotation of \(rotationDegrees) degrees is for a paper start: a Gaussian is fitted to the frames as they are")
  }

  private static let defaultRotation = TrainingOptions().rotationDegrees

  /// Why a detector, whose flows began as `flow` says, cannot be trained on by these options; nil when it can. Only options
  /// that were set on purpose stand against it.
  func conflict(with flow: FlowDescription) -> Failure? {
    switch flow.start {
    case .gaussian where chosenStart == .paper:
      Failure(
        .invalidArgument,
        "the detector starts at a Gaussian, which is fitted anew: options of the paper's training have no effect on it")
    case .none where start == .gaussian || couplingSteps > 0 || halfTurns != .automatic:
      Failure(.invalidArgument, "the detector's flows began at random weights: they cannot start at a Gaussian")
    default: nil
    }
  }

  /// What only the paper's training reads.
  private var paperOptions: [String] {
    [
      "\(couplingBlocks) \(conditionChannels) \(permutation) \(clamp) \(clampAlpha)",
      "\(metaEpochs) \(subEpochs) \(warmupEpochs) \(schedule) \(decayRate) \(decayPercents)",
      // Without rotation the frames are as a Gaussian wants them.
      "\(imageBatch) \(fiberBatch) \(learningRate) \(rotationDegrees == 0 ? Self.defaultRotation : rotationDegrees)",
    ]
  }
}
