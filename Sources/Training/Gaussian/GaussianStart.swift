import Basics
import Flows
import OpenBLAS

/// Trains flows that start at a closed form: the Gaussian of every level in the form under which held-back frames are
/// likeliest, or in the form of FrEIA's own parameters (``LeadingBlocks``). Coupling blocks behind it are trained for
/// as many steps as are wanted, or as there is time for. Each level keeps the state of its couplings
/// that gives frames they were not trained on the highest likelihood, and no couplings if the Gaussian alone gives a higher one.
final class GaussianStart {
  let forms: [GaussianSelection.Form]
  /// Whether the fit also learnt from the frames turned by 180 degrees.
  let hasHalfTurns: Bool
  /// The number of steps that were planned for each level.
  private(set) var steps = 0
  private let source: FeatureSource
  private let options: TrainingOptions
  private let budget: TimeBudget?
  /// How long the closed form took without encoding, by the budget's clock.
  private let closedFormSeconds: Double
  private let fits: [GaussianFit]
  private let gaussians: [GaussianParameters]
  private var couplings: [CouplingTraining] = []
  /// For each level blocks that change nothing.
  private var identities: [StateDictionary] = []
  private let couplingFlow: FlowDescription

  private var isWhitened: Bool { options.start == .whitened }

  /// The features that were fitted: those of the pictures, and perhaps behind them those of the turned pictures.
  var levels: [LevelFeatures] { fits.map(\.features) }

  /// Fits the Gaussians.
  ///
  /// - Parameters:
  ///   - source: provides unrotated frames, which are encoded here. Fails with `.outOfMemory` when the memory for
  ///     features does not hold all of them.
  ///   - budget: nil when the options say how many steps are made.
  init(
    _ source: FeatureSource, options: TrainingOptions, budget: TimeBudget?, _ reporter: inout ProgressReporter
  ) throws(Failure) {
    (self.source, self.options, self.budget) = (source, options, budget)
    couplingFlow = try options.flowDescription
    let levels = try Self.encodedLevels(source, options, &reporter)
    hasHalfTurns = levels.contains { $0.frames.count > $0.pictureCount }
    let start = budget?.clock() ?? 0
    (forms, fits, gaussians) = try LAPACK.use(threads: source.workers.count) { () throws(Failure) in
      let isPooled = options.start == .whitened
      let forms = try GaussianSelection.forms(
        levels, byteCount: options.gaussianBytes, isPooled: isPooled, workers: source.workers)
      var fits: [GaussianFit] = []
      var gaussians: [GaussianParameters] = []
      for (level, form) in zip(levels, forms) {
        let fit = try GaussianFit(level, hasPositionMeans: form.hasPositionMeans, workers: source.workers)
        if isPooled { try fit.makeRotation() }
        fits.append(fit)
        gaussians.append(try fit.parameters(rank: form.rank, shrinkage: form.shrinkage))
      }
      return (forms, fits, gaussians)
    }
    closedFormSeconds = (budget?.clock() ?? 0) - start
    if isWhitened { try makeIdentities() }
  }

  /// Encodes the pictures. Of turned ones it first encodes as many as it takes to see whether they look good, then all
  /// if they are wanted.
  private static func encodedLevels(
    _ source: FeatureSource, _ options: TrainingOptions, _ reporter: inout ProgressReporter
  ) throws(Failure) -> [LevelFeatures] {
    let count = source.frameCount
    func levels(_ frames: [Int], pictureCount: Int? = nil) -> [LevelFeatures] {
      source.levels.indices.map { source.cachedFeatures(level: $0, of: frames, pictureCount: pictureCount) }
    }
    var judged: [Int] = []
    var isTurned = options.start == .gaussian && options.halfTurns == .always
    if options.start == .gaussian, options.halfTurns == .automatic, source.hasRoom(for: 2 * count) {
      judged = HalfTurns.judged(count)
    }
    let total = isTurned || !judged.isEmpty ? 2 * count : count
    try source.checkRoom(for: total)
    var progress = TrainingProgress(stage: .encode, total: total)
    try source.encode(Array(0..<count), &progress, &reporter)
    if !judged.isEmpty {
      let turned = judged.map { count + $0 }
      try source.encode(turned, &progress, &reporter)
      isTurned = try LAPACK.use(threads: source.workers.count) { () throws(Failure) in
        try HalfTurns.lookGood(levels(Array(0..<count)), turned: levels(turned), workers: source.workers)
      }
    }
    if isTurned {
      try source.encode(Array(count..<2 * count), &progress, &reporter)
      return levels(Array(0..<2 * count), pictureCount: count)
    }
    if progress.done < total {
      progress.done = total
      try reporter.report(progress, isImportant: true)
    }
    return levels(Array(0..<count))
  }

  private func makeIdentities() throws(Failure) {
    guard identities.isEmpty else { return }
    for (level, grid) in source.levels.enumerated() {
      var random = Random(seed: options.seed, purpose: "initial weights", level)
      identities.append(
        try FlowTrainer.initialWeights(
          channels: grid.channels, description: couplingFlow, asIdentity: true, precision: source.precision,
          random: &random))
    }
  }

  /// Decides how many steps are made, and prepares the couplings: as the identity, or as a checkpoint has them, which
  /// then also decides the number of steps.
  func prepareCouplings(_ saved: TrainingState?) throws(Failure) {
    let wanted = saved?.plannedSteps ?? options.plannedSteps
    if levels.contains(where: { $0.pictureCount < 3 }) {
      guard (options.couplingSteps ?? 0) == 0 else {
        throw Failure(.state, "coupling steps take at least 3 frames, some to train on and some to judge by")
      }
      return
    }
    if let budget, saved == nil {
      // Folding takes about as long as the closed form, and cannot be interrupted.
      guard budget.left > closedFormSeconds else { return }
      try makeCouplings()
      steps = try CouplingPlan.steps(couplings, within: budget)
    } else if wanted > 0 {
      try makeCouplings()
      steps = wanted
    }
    guard let saved else { return }
    guard saved.flows.count == couplings.count, saved.couplings.count == couplings.count else {
      throw Failure(.format, "the checkpoint's \(saved.flows.count) flows are none of this training")
    }
    for (level, coupling) in couplings.enumerated() {
      try coupling.restore(saved.flows[level], saved.couplings[level])
    }
  }

  private func makeCouplings() throws(Failure) {
    let count = LeadingBlocks.count(couplingFlow)
    guard couplingFlow.blockCount > count, couplingFlow.permutation == .soft else {
      throw Failure(
        .invalidArgument,
        "coupling steps take more than \(count) coupling blocks with soft permutations: the first ones turn the "
          + "coordinates")
    }
    try makeIdentities()
    let flow = try couplingFlow.with(blockCount: couplingFlow.blockCount - count)
    couplings = try LAPACK.use(threads: source.workers.count) { () throws(Failure) in
      var couplings: [CouplingTraining] = []
      for (level, fit) in fits.enumerated() {
        let fibers = try FoldedFibers(fit.features, form: forms[level], workers: source.workers)
        couplings.append(
          try CouplingTraining(
            fibers, flow: flow, identity: try leadingBlocks(level).following(identities[level]), options: options,
            level: level, workers: source.workers))
      }
      return couplings
    }
  }

  private func leadingBlocks(_ level: Int) throws(Failure) -> LeadingBlocks {
    try LeadingBlocks(channels: source.levels[level].channels, flow: couplingFlow)
  }

  /// Makes the remaining steps, one level after the other.
  ///
  /// - Parameter save: is given the state from time to time.
  func trainCouplings(
    _ reporter: inout ProgressReporter,
    save: (_ steps: Int, _ isLast: Bool, [FlowTrainer.State], [CouplingState]) throws(Failure) -> Void
  ) throws(Failure) {
    let steps = steps
    var progress = TrainingProgress(stage: .fit, epochs: steps, total: steps * couplings.count)
    func count() {
      progress.done = couplings.reduce(0) { $0 + ($1.isFinished(of: steps) ? steps : $1.trainer.stepCount) }
      progress.epoch = progress.done / max(couplings.count, 1)
    }
    count()
    try reporter.report(progress, isImportant: true)
    for (level, coupling) in couplings.enumerated() {
      while !coupling.isFinished(of: steps) {
        do throws(Failure) { if let loss = try coupling.step(of: steps) { progress.loss = loss } } catch {
          throw error.within("level \(level)")
        }
        count()
        let isLast = progress.done == progress.total
        try reporter.report(progress, isImportant: isLast)
        if coupling.trainer.stepCount % Self.stepsPerSave == 0 || isLast {
          try save(progress.done, isLast, couplings.map(\.trainer.state), couplings.map(\.state))
        }
      }
    }
  }

  private static let stepsPerSave = 50

  /// What each level's couplings add to the mean log p / C of frames that they were not trained on; nil without couplings.
  var gains: [Double]? { steps == 0 ? nil : couplings.map(\.gain) }

  /// Whether the Gaussians are followed by couplings, as when those of some level are better than none.
  private var hasCouplings: Bool { gains?.contains { $0 > 0 } ?? false }

  var flow: FlowDescription {
    get throws(Failure) { isWhitened || hasCouplings ? couplingFlow : try couplingFlow.with(blockCount: 0) }
  }

  /// The weights of each level.
  var weights: [StateDictionary] {
    get throws(Failure) {
      var weights: [StateDictionary] = []
      for (level, gaussian) in gaussians.enumerated() {
        var tensors = StateDictionary()
        if isWhitened || hasCouplings {
          tensors = try leadingBlocks(level).weights(
            gaussian, identity: identities[level], following: steps == 0 ? nil : try couplings[level].weights)
        }
        if !isWhitened { try gaussian.store(in: &tensors) }
        weights.append(tensors)
      }
      return weights
    }
  }
}
