import Basics
import Flows

/// The loops of a fit: meta epochs, sub-epochs, batches of frames, levels, groups of fibers.
final class TrainingRun {
  private let source: FeatureSource
  private let options: TrainingOptions
  private let schedule: LearningRateSchedule
  private let levels: [Level]
  private let frameCount: Int
  /// Frames per batch: as the options say, or all if there are fewer.
  private let batchSize: Int
  /// Batches per pass; a short last one is dropped.
  private let batchCount: Int
  /// Passes over the frames of the whole run.
  let passCount: Int
  private var passesDone = 0

  /// One flow in training, and its groups' memory.
  private struct Level {
    let trainer: FlowTrainer
    let fibers: FloatBuffer
    let conditions: PositionConditions
  }

  init(
    _ source: FeatureSource, frameCount: Int, flow: FlowDescription, options: TrainingOptions,
    weights: [StateDictionary]
  ) throws(Failure) {
    self.source = source
    self.options = options
    self.frameCount = frameCount
    schedule = LearningRateSchedule(options)
    passCount = options.metaEpochs * options.subEpochs
    batchSize = min(options.imageBatch, frameCount)
    batchCount = frameCount / max(batchSize, 1)
    var levels: [Level] = []
    for (level, grid) in source.levels.enumerated() {
      let group = min(options.fiberBatch, batchSize * grid.positions)
      do throws(Failure) {
        levels.append(
          Level(
            trainer: try FlowTrainer(
              channels: grid.channels, description: flow, weights: weights[level], groupCapacity: group,
              placeCapacity: max(grid.height, grid.width), workers: source.workers),
            fibers: try FloatBuffer(count: group * grid.channels),
            conditions: try PositionConditions(grid, channels: flow.conditionChannels, groupCapacity: group)))
      } catch {
        throw error.within("flow \(level)")
      }
    }
    self.levels = levels
  }

  /// Resumes from a state of a run with the same identity.
  func restore(_ state: TrainingState) throws(Failure) {
    guard state.flows.count == levels.count, (0...passCount).contains(state.passes) else {
      throw Failure(
        .format, "the checkpoint's \(state.flows.count) flows after \(state.passes) passes are none of this run")
    }
    for (level, flow) in state.flows.enumerated() { try levels[level].trainer.restore(flow) }
    passesDone = state.passes
  }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - observer: is given the index of each meta epoch that ends here and the weights of every level.
  ///   - save: is given the state after each pass.
  func fit(
    _ reporter: ProgressReporter, observer: (Int, [StateDictionary]) throws(Failure) -> Void,
    save: (_ passes: Int, [FlowTrainer.State]) throws(Failure) -> Void
  ) throws(Failure) {
    var reporter = reporter
    if passesDone < passCount { try source.fillCache(&reporter) }
    let framesPerPass = batchCount * batchSize
    var progress = TrainingProgress(stage: .fit, epochs: passCount, total: passCount * framesPerPass)
    progress.epoch = passesDone
    progress.done = passesDone * framesPerPass
    // A resumed fit reports where it goes on, even when nothing is left to do.
    if passesDone > 0 { try reporter.report(progress, isImportant: true) }
    while passesDone < passCount {
      try runPass(passesDone, &progress, &reporter)
      passesDone += 1
      progress.epoch = passesDone
      try reporter.report(progress, isImportant: true)
      // The observer comes before the state is saved: a run that is killed in between observes the meta epoch again.
      if passesDone % options.subEpochs == 0 { try observer(passesDone / options.subEpochs - 1, weights()) }
      try save(passesDone, levels.map(\.trainer.state))
    }
  }

  /// The current weights of every level.
  func weights() throws(Failure) -> [StateDictionary] {
    var weights: [StateDictionary] = []
    for (level, parts) in levels.enumerated() {
      do throws(Failure) {
        weights.append(try parts.trainer.weights)
      } catch {
        throw error.within("level \(level)")
      }
    }
    return weights
  }

  /// Runs one sub-epoch: all frames in a new random order.
  private func runPass(_ pass: Int, _ progress: inout TrainingProgress, _ reporter: inout ProgressReporter)
    throws(Failure)
  {
    let (metaEpoch, subEpoch) = pass.quotientAndRemainder(dividingBy: options.subEpochs)
    var random = Random(seed: options.seed, purpose: "frame order", pass)
    let order = random.permutation(frameCount)
    var losses = (sum: 0.0, count: 0)
    for batch in 0..<batchCount {
      progress.learningRate = schedule.rate(
        metaEpoch: metaEpoch, batch: subEpoch * batchCount + batch, batches: options.subEpochs * batchCount)
      for slot in 0..<batchSize {
        try source.load(order[batch * batchSize + slot], slot: slot, pass: pass)
        try reporter.report(progress, isImportant: false)
      }
      for level in levels.indices {
        do throws(Failure) {
          try runBatch(level, pass: pass, batch: batch, &losses, &progress, &reporter)
        } catch {
          guard error.kind == .diverged else { throw error }
          throw error.within("meta epoch \(metaEpoch), sub-epoch \(subEpoch), batch \(batch), level \(level)")
        }
      }
      progress.done += batchSize
      try reporter.report(progress, isImportant: false)
    }
  }

  /// Trains on all fibers of a level of the current batch, in a new random order and in groups. A short last group is
  /// dropped, unless it is the only one.
  private func runBatch(
    _ level: Int, pass: Int, batch: Int, _ losses: inout (sum: Double, count: Int),
    _ progress: inout TrainingProgress, _ reporter: inout ProgressReporter
  ) throws(Failure) {
    let parts = levels[level]
    let trainer = parts.trainer
    let size = trainer.groupCapacity
    var random = Random(seed: options.seed, purpose: "fiber order", pass, batch, level)
    let order = random.permutation(batchSize * source.levels[level].positions)
    for group in 0..<order.count / size {
      source.gather(
        level: level, indices: order[group * size..<(group + 1) * size], into: parts.fibers.base,
        parts.conditions)
      losses.sum += Double(
        try trainer.step(
          fibers: parts.fibers.base, conditions: parts.conditions.conditions, count: size,
          learningRate: progress.learningRate))
      losses.count += 1
      progress.loss = Float(losses.sum / Double(losses.count))
      try reporter.report(progress, isImportant: false)
    }
  }
}
