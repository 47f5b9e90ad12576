import Basics
import Flows

extension TrainingOptions {
  /// Where the flows of a new detector begin. The numbers are those of `CFLOWAD_START_` in the C header.
  package enum Start: Int32, Sendable, CaseIterable {
    /// At a Gaussian, or as the paper does when an option was set that only the paper's training has.
    case automatic = 0
    /// At FrEIA's random weights, as the original system's, and trained by its loops.
    case paper = 1
    /// At a Gaussian per position, in closed form.
    case gaussian = 2
    /// At FrEIA's weights that whiten by one mean and one covariance, in closed form.
    case whitened = 3
  }

  /// What a detector is trained for. The numbers are those of `CFLOWAD_PRESET_` in the C header.
  package enum Preset: Int32, Sendable, CaseIterable {
    case none = 0
    /// The closed form alone.
    case quick = 1
    /// The closed form and coupling steps, which with a small encoder take five minutes.
    case best = 2
    /// The published training.
    case paper = 3
  }

  /// Resolves ``Start/automatic``: without coupling steps and without a time budget it becomes ``Start/paper`` if an option that only
  /// the paper's training has differs from its default, else ``Start/gaussian``.
  private var chosenStart: Start {
    guard start == .automatic else { return start }
    return hasPlan || setPaperOptions.isEmpty ? .gaussian : .paper
  }

  /// Whether coupling steps were asked for.
  private var hasPlan: Bool { (couplingSteps ?? 0) > 0 || timeBudget > 0 }

  /// Steps for each level, unless a time budget decides.
  var plannedSteps: Int { couplingSteps ?? (start == .whitened ? Self.whitenedSteps : 0) }

  /// A closed form without position means leaves much for couplings to learn: docs/quality.md.
  private static let whitenedSteps = 400
  private static let bestSteps = 2000
  /// Learning rates, chosen on MVTec AD's bottles and transistors by the likelihood of held-back frames. Tried were 2e-4 to
  /// 3e-3 after a Gaussian, and up to 1e-2 after a whitening, which leaves more to learn.
  private static let gaussianRate: Float = 3e-3
  private static let whitenedRate: Float = 1e-2

  /// These options with the start and the steps that are meant. A closed form has defaults of its own: no rotation, and
  /// the learning rate of couplings that begin as the identity.
  ///
  /// - Parameter flow: the flows of the detector to go on from, which decide the start; nil for a new one.
  func resolved(from flow: FlowDescription? = nil) -> TrainingOptions {
    var options = self
    options.preset = .none
    switch preset {
    case .none: break
    case .quick: (options.start, options.couplingSteps) = (.gaussian, 0)
    case .best: (options.start, options.couplingSteps) = (.gaussian, Self.bestSteps)
    case .paper: options.start = .paper
    }
    if let flow {
      options.start = flow.start == .gaussian ? .gaussian : .paper
    } else {
      options.start = options.chosenStart
    }
    guard options.start != .paper else { return options }
    if rotationDegrees == Self.defaultRotation { options.rotationDegrees = 0 }
    if learningRate == TrainingOptions().learningRate {
      options.learningRate = options.start == .whitened ? Self.whitenedRate : Self.gaussianRate
    }
    return options
  }

  /// Fails with `.invalidArgument` when two options say how long to train, or when an option contradicts a preset.
  func checkPlan() throws(Failure) {
    guard timeBudget == 0 || couplingSteps == nil else {
      throw Failure(
        .invalidArgument, "a number of coupling steps and a time budget contradict each other: give one of them")
    }
    guard preset != .none else { return }
    guard start == .automatic, couplingSteps == nil, timeBudget == 0 else {
      throw Failure(
        .invalidArgument,
        "the preset \(preset) decides where flows start and for how many steps they are trained: give no start, coupling "
          + "steps or time budget beside it")
    }
  }

  /// Fails with `.invalidArgument` when coupling steps would have no effect, or when no flow can have this start.
  func checkStart() throws(Failure) {
    guard start == .gaussian || halfTurns == .automatic else {
      throw Failure(.invalidArgument, "half turns \(halfTurns.name) is for a Gaussian start")
    }
    guard start != .paper else {
      guard (couplingSteps ?? 0) == 0, timeBudget == 0 else {
        throw Failure(
          .invalidArgument,
          (timeBudget > 0 ? "a time budget plans coupling steps, which" : "\(couplingSteps ?? 0) coupling steps")
            + " are for a gaussian or a whitened start; epochs decide how long a paper start is trained")
      }
      return
    }
    // The first blocks only turn the coordinates: see LeadingBlocks.
    let hasSteps = plannedSteps > 0 || timeBudget > 0
    let fewest = start == .whitened ? (hasSteps ? 3 : 2) : (hasSteps ? 2 : 0)
    guard fewest == 0 || (flow.blockCount >= fewest && flow.permutation == .soft) else {
      throw Failure(
        .invalidArgument,
        "\(start == .whitened ? "a whitened start" : "a Gaussian start with coupling steps") takes \(fewest) or more "
          + "coupling blocks with soft permutations, not \(flow.blockCount) with \(flow.permutation) ones")
    }
  }

  private static let defaultRotation = TrainingOptions().rotationDegrees

  /// Why a detector with these flows cannot be trained further by these options; nil when it can. Only options that
  /// were set explicitly can be in conflict.
  func conflict(with flow: FlowDescription) -> Failure? {
    let meant = resolved()
    switch flow.start {
    case .gaussian where meant.start == .paper:
      return Failure(
        .invalidArgument,
        "the detector starts at a Gaussian, which is fitted anew: options of the paper's training have no effect on it")
    case .gaussian where meant.start == .whitened:
      return Failure(
        .invalidArgument, "the detector starts at a Gaussian, which is fitted anew: it cannot start whitened")
    case .none
    where meant.hasPlan || preset == .quick || start == .gaussian || start == .whitened || halfTurns != .automatic:
      return Failure(
        .invalidArgument,
        "the detector's flows have no Gaussian to be fitted anew: they go on from their weights by the paper's training"
      )
    default: return nil
    }
  }
}
