import Basics
import Flows
import Kernels
import OpenBLAS

/// Trains flows from a Gaussian on: the closed form of every level, in the form that is likeliest for frames it was not
/// fitted to, and behind it coupling blocks, for as many steps as wanted. A level's couplings are kept only when frames that
/// they were not trained on are likelier with them.
final class GaussianStart {
  let forms: [GaussianSelection.Form]
  /// Whether the frames turned by 180 degrees were learnt from, too.
  let hasHalfTurns: Bool
  private let source: FeatureSource
  /// What it was fitted to: the pictures, and behind them perhaps the same turned.
  let levels: [LevelFeatures]
  private let options: TrainingOptions
  private let gaussians: [GaussianParameters]
  private var couplings: [CouplingTraining] = []
  /// Blocks that change nothing, for each level.
  private var identities: [StateDictionary] = []
  private let couplingFlow: FlowDescription
  /// What each level's couplings add to the mean log p / C of frames that they were not trained on; nil without couplings.
  private(set) var gains: [Double]?

  /// Fits the Gaussians.
  ///
  /// - Parameters:
  ///   - source: of unrotated frames, which are encoded here. Fails with `.outOfMemory` when the memory for features does not
  ///     hold all of them.
  ///   - pictureCount: how many of its frames are different pictures; all, or half of them, behind which the same follow,
  ///     turned by 180 degrees.
  init(
    _ source: FeatureSource, pictureCount: Int, options: TrainingOptions, _ reporter: inout ProgressReporter
  ) throws(Failure) {
    (self.source, self.options) = (source, options)
    couplingFlow = try options.flowDescription
    try source.checkCacheHoldsAll()
    try source.fillCache(&reporter)
    (levels, forms, gaussians) = try LAPACK.use { () throws(Failure) in
      var levels = source.levels.indices.map { source.cachedFeatures(level: $0, pictureCount: pictureCount) }
      if options.halfTurns == .automatic, try !HalfTurns.lookGood(levels, workers: source.workers) {
        levels = levels.map { $0.subset(Array(0..<pictureCount)) }
      }
      let forms = try GaussianSelection.forms(levels, byteCount: options.gaussianBytes, workers: source.workers)
      var gaussians: [GaussianParameters] = []
      for (level, form) in zip(levels, forms) {
        let fit = try GaussianFit(level, hasPositionMeans: form.hasPositionMeans, workers: source.workers)
        gaussians.append(try fit.parameters(rank: form.rank, shrinkage: form.shrinkage))
      }
      return (levels, forms, gaussians)
    }
    hasHalfTurns = levels.contains { $0.frames.count > $0.pictureCount }
  }

  /// Makes the couplings ready, as the identity or as a checkpoint has them.
  func prepareCouplings(_ saved: TrainingState?) throws(Failure) {
    couplings = try LAPACK.use { () throws(Failure) in
      var couplings: [CouplingTraining] = []
      for (level, grid) in source.levels.enumerated() {
        let features = levels[level]
        guard features.pictureCount > 2 else {
          throw Failure(.state, "coupling steps take at least 3 frames, some to train on and some to judge by")
        }
        let fibers = try FoldedFibers(features, form: forms[level], workers: source.workers)
        var random = Random(seed: options.seed, purpose: "initial weights", level)
        let identity = try FlowTrainer.initialWeights(
          channels: grid.channels, description: couplingFlow, asIdentity: true, random: &random)
        identities.append(identity)
        couplings.append(
          try CouplingTraining(
            fibers, flow: couplingFlow, identity: identity, options: options, level: level, workers: source.workers))
      }
      return couplings
    }
    guard let saved else { return }
    guard saved.flows.count == couplings.count else {
      throw Failure(.format, "the checkpoint's \(saved.flows.count) flows are none of this training")
    }
    for (coupling, flow) in zip(couplings, saved.flows) { try coupling.trainer.restore(flow) }
  }

  /// Makes the steps that are left, a level's after the other's.
  ///
  /// - Parameter save: is given the state now and then.
  func trainCouplings(
    _ reporter: inout ProgressReporter,
    save: (_ steps: Int, _ isLast: Bool, [FlowTrainer.State]) throws(Failure) -> Void
  ) throws(Failure) {
    let steps = options.couplingSteps
    var progress = TrainingProgress(stage: .fit, epochs: steps, total: steps * couplings.count)
    for (level, coupling) in couplings.enumerated() {
      while coupling.trainer.stepCount < steps {
        do throws(Failure) { progress.loss = try coupling.step(of: steps) } catch {
          throw error.within("level \(level)")
        }
        progress.done = couplings.reduce(0) { $0 + $1.trainer.stepCount }
        progress.epoch = progress.done / couplings.count
        let isLast = progress.done == progress.total
        try reporter.report(progress, isImportant: isLast)
        if progress.done % Self.stepsPerSave == 0 || isLast {
          try save(progress.done, isLast, couplings.map(\.trainer.state))
        }
      }
    }
    var gains: [Double] = []
    for coupling in couplings { gains.append(try coupling.gain()) }
    self.gains = gains
  }

  private static let stepsPerSave = 50

  /// Whether couplings are part of the flows: when those of some level are better than none.
  private var hasCouplings: Bool { gains?.contains { $0 > 0 } ?? false }

  var flow: FlowDescription {
    get throws(Failure) { hasCouplings ? couplingFlow : try couplingFlow.withoutBlocks }
  }

  /// One for each level.
  var weights: [StateDictionary] {
    get throws(Failure) {
      var weights: [StateDictionary] = []
      for (level, gaussian) in gaussians.enumerated() {
        var tensors = StateDictionary()
        if hasCouplings, let gains {
          tensors = gains[level] > 0 ? try couplings[level].trainer.weights : identities[level]
        }
        try gaussian.store(in: &tensors)
        weights.append(tensors)
      }
      return weights
    }
  }
}
