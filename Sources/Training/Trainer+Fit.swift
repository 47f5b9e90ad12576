import Basics
import Flows
import OpenBLAS
import Scoring

/// The two ways of a fit.
extension Trainer {
  /// The original's training: the loops of ``TrainingRun``.
  func trainFromRandomWeights(
    _ pictures: [[UInt8]], _ reporter: ProgressReporter, _ observer: Observer?
  ) throws(Failure) {
    let (identity, saved) = try identify(pictures)
    let source = try beginFit(pictures)
    let start = try flowWeights.map { (weights) throws(Failure) in
      try QuantizedFlow.floats(weights, flowDescription)
    }
    let run = try TrainingRun(
      source, frameCount: pictures.count, flow: flowDescription, options: options, weights: start)
    if let saved { try run.restore(saved) }
    var keeper = checkpoint.map { CheckpointKeeper($0) }
    try run.fit(reporter) { (metaEpoch, weights) throws(Failure) in
      if let observer { try observer(metaEpoch, contents(weights)) }
    } save: { (passes, flows) throws(Failure) in
      try keeper?.save(
        TrainingState(identity: identity, passes: passes, flows: flows), isLast: passes == run.passCount)
    }
    flowWeights = try run.weights()
  }

  /// Fits a closed form for each level, and trains coupling blocks behind it if they are wanted or there is time for them.
  func trainFromGaussian(
    _ pictures: [[UInt8]], _ reporter: ProgressReporter, _ budget: TimeBudget?
  ) throws(Failure) {
    // A detector's file does not hold what its Gaussian was fitted to, so that it is fitted anew.
    flowDescription = try options.flowDescription
    flowWeights = []
    try LAPACK.checkAvailable()  // before frames are encoded
    let (identity, saved) = try identify(pictures)
    let source = try beginFit(pictures)
    var reporter = reporter
    let start = try GaussianStart(source, options: options, budget: budget, &reporter)
    curve = try LAPACK.use(threads: source.workers.count) { () throws(Failure) in
      try LearningCurve.measured(
        start.levels.map(\.pictures), forms: start.forms,
        frames: self.frames.training.enumerated().flatMap { index, frame in frame.pictures.map { _ in index } },
        workers: workers)
    }
    try start.prepareCouplings(saved)
    if start.steps > 0 {
      var keeper = checkpoint.map { CheckpointKeeper($0) }
      try start.trainCouplings(&reporter) { (steps, isLast, flows, couplings) throws(Failure) in
        try keeper?.save(
          TrainingState(
            identity: identity, passes: steps, flows: flows, plannedSteps: start.steps, couplings: couplings),
          isLast: isLast)
      }
    }
    (flowDescription, flowWeights) = (try start.flow, try start.weights)
    report = FitReport(
      start: options.start, forms: start.forms, hasHalfTurns: start.hasHalfTurns, couplingSteps: start.steps,
      couplingGains: start.gains)
  }

  /// The identity of this fit, and the state in the checkpoint, which must be of the same identity.
  private func identify(_ pictures: [[UInt8]]) throws(Failure) -> (TrainingIdentity, TrainingState?) {
    let identity = try TrainingIdentity(
      options: options, preprocessing: preprocessing, encoder: encoder.description, encoderWeights: encoderWeights,
      flowWeights: flowWeights, frames: pictures)
    let saved = try checkpoint?.load()
    if let saved, let difference = identity.difference(from: saved.identity) {
      throw Failure(.state, "the checkpoint is of another training: \(difference)")
    }
    return (identity, saved)
  }
}
