import Basics

/// An option of the paper's training. A closed form reads only those that coupling blocks behind it need. The raw value
/// is the option's name in a sentence.
package enum PaperOption: String, CaseIterable, Sendable {
  case couplingBlocks = "coupling blocks"
  case conditionChannels = "condition channels"
  case permutation
  case clamp
  case clampAlpha = "clamp's alpha"
  case fiberBatch = "fiber batch"
  case learningRate = "learning rate"
  case metaEpochs = "meta epochs"
  case subEpochs = "sub-epochs"
  case warmupEpochs = "warm-up epochs"
  case schedule
  case decayRate = "decay rate"
  case decayPercents = "decay percents"
  case imageBatch = "image batch"
  case rotation

  /// Whether coupling blocks behind a closed form, or their training, need it too.
  var isOfCouplings: Bool {
    switch self {
    case .couplingBlocks, .conditionChannels, .permutation, .clamp, .clampAlpha, .fiberBatch, .learningRate: true
    case .metaEpochs, .subEpochs, .warmupEpochs, .schedule, .decayRate, .decayPercents, .imageBatch, .rotation: false
    }
  }

  /// Whether it differs from the default in some options.
  func isSet(in options: TrainingOptions) -> Bool {
    let defaults = TrainingOptions()
    return switch self {
    case .couplingBlocks: options.flow.blockCount != defaults.flow.blockCount
    case .conditionChannels: options.flow.conditionChannels != defaults.flow.conditionChannels
    case .permutation: options.flow.permutation != defaults.flow.permutation
    case .clamp: options.flow.clamp != defaults.flow.clamp
    case .clampAlpha: options.flow.clampAlpha != defaults.flow.clampAlpha
    case .fiberBatch: options.fiberBatch != defaults.fiberBatch
    case .learningRate: options.learningRate != defaults.learningRate
    case .metaEpochs: options.metaEpochs != defaults.metaEpochs
    case .subEpochs: options.subEpochs != defaults.subEpochs
    // The tool and the C interface make it fit the meta epochs.
    case .warmupEpochs: options.warmupEpochs != max(min(defaults.warmupEpochs, options.metaEpochs - 1), 0)
    case .schedule: options.schedule != defaults.schedule
    case .decayRate: options.decayRate != defaults.decayRate
    case .decayPercents: options.decayPercents != defaults.decayPercents
    case .imageBatch: options.imageBatch != defaults.imageBatch
    // No rotation is what a Gaussian needs anyway.
    case .rotation: options.rotationDegrees != 0 && options.rotationDegrees != defaults.rotationDegrees
    }
  }
}

extension TrainingOptions {
  /// The options of the paper's training that differ from the defaults.
  package var setPaperOptions: [PaperOption] { PaperOption.allCases.filter { $0.isSet(in: self) } }

  /// Fails with `.invalidArgument` when an option was set that has no effect with the start that is meant, since
  /// whoever set it expects one.
  func checkEffects() throws(Failure) {
    let start = resolved().start
    guard start == .gaussian || gaussianBytes == TrainingOptions().gaussianBytes else {
      throw Failure(.invalidArgument, "the memory of the Gaussian has no effect on a \(start) start")
    }
    guard start != .paper else { return }
    let hasBlocks = try flowDescription.blockCount > 0
    let unread = setPaperOptions.filter { !(hasBlocks && $0.isOfCouplings) }
    guard unread.isEmpty else {
      throw Failure(
        .invalidArgument,
        "no effect on a \(start) start\(hasBlocks ? "" : " without coupling steps"): \(unread.names); a paper start reads "
          + (unread.count == 1 ? "it" : "them"))
    }
  }
}

extension [PaperOption] {
  /// Their names: "clamp, meta epochs and schedule".
  package var names: String { map(\.rawValue).listed }
}
