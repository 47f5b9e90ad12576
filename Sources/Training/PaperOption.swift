import Basics

/// An option of the paper's training. A closed form reads only those that coupling blocks behind it need.
package struct PaperOption: Sendable {
  /// Its name in a sentence.
  package let name: String
  /// Whether coupling blocks behind a closed form, or their training, need it too.
  let isOfCouplings: Bool
  /// Whether it differs from the default in some options.
  let isSet: @Sendable (TrainingOptions) -> Bool

  private init(
    _ name: String, ofCouplings isOfCouplings: Bool = false,
    _ value: @escaping @Sendable (TrainingOptions) -> some Equatable & Sendable
  ) {
    (self.name, self.isOfCouplings) = (name, isOfCouplings)
    isSet = { value($0) != value(TrainingOptions()) }
  }

  static let all = [
    PaperOption("coupling blocks", ofCouplings: true) { $0.flow.blockCount },
    PaperOption("condition channels", ofCouplings: true) { $0.flow.conditionChannels },
    PaperOption("permutation", ofCouplings: true) { $0.flow.permutation },
    PaperOption("clamp", ofCouplings: true) { $0.flow.clamp },
    PaperOption("clamp's alpha", ofCouplings: true) { $0.flow.clampAlpha },
    PaperOption("fiber batch", ofCouplings: true) { $0.fiberBatch },
    PaperOption("learning rate", ofCouplings: true) { $0.learningRate },
    PaperOption("meta epochs") { $0.metaEpochs },
    PaperOption("sub-epochs") { $0.subEpochs },
    // The tool and the C interface lower the default number of warm-up epochs when there are few meta epochs. Such a number does
    // not count as set by the user.
    PaperOption("warm-up epochs") { $0.warmupEpochs - max(min(TrainingOptions().warmupEpochs, $0.metaEpochs - 1), 0) },
    PaperOption("schedule") { $0.schedule },
    PaperOption("decay rate") { $0.decayRate },
    PaperOption("decay percents") { $0.decayPercents },
    PaperOption("image batch") { $0.imageBatch },
    // No rotation is what a Gaussian needs anyway.
    PaperOption("rotation") { $0.rotationDegrees == 0 ? TrainingOptions().rotationDegrees : $0.rotationDegrees },
  ]
}

extension TrainingOptions {
  /// The options of the paper's training that differ from the defaults.
  package var setPaperOptions: [PaperOption] { PaperOption.all.filter { $0.isSet(self) } }

  /// Fails with `.invalidArgument` if an option is set that the start ignores, because the user expects it to do something.
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
  package var names: String { map(\.name).listed }
}
