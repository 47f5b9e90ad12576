import Basics
import Execution
import Flows

/// Trains the coupling blocks of a level behind its Gaussian, from the identity on.
///
/// A Gaussian makes the fibers it was fitted to look whiter than new ones; couplings trained on those would learn a density
/// that is too narrow. So every frame is whitened by a Gaussian that was fitted without it (``FoldedFibers``), and the frames
/// of one fold are never trained on: they judge the couplings at some points of the training, and the best one is kept.
final class CouplingTraining {
  let trainer: FlowTrainer
  /// What the couplings added to the mean log p / C of the judging frames, at each judgement so far.
  private(set) var gains: [Double] = []
  /// The parameters at the best judgement; at first those of the identity.
  private let best: FloatBuffer
  private let fibers: FoldedFibers
  private let options: TrainingOptions
  private let level: Int
  private let conditions: PositionConditions
  /// The group of a step: fibers and their ln |det|.
  private let group: FloatBuffer
  private let logDeterminants: FloatBuffer
  /// The fibers that judge the couplings.
  private let judges: [FoldedFibers.Place]
  private let likelihoodBefore: Double

  /// The standard deviation of the noise that is added to fibers, whose own variance is 1. It keeps the density smooth.
  private static let noise = 0.2
  private static let judgeCount = 4096
  /// Share of the steps in which the rate rises.
  private static let warmup = 0.08
  /// When the couplings are judged, in 32nds of the steps. Early judgements matter since few frames are soon learnt by heart.
  static let judgements = [1, 2, 4, 8, 12, 16, 20, 24, 28, 32]
  /// How many judgements in a row without a new best one end a level's training.
  private static let patience = 4

  /// - Parameter identity: the first weights, those of the identity.
  init(
    _ fibers: FoldedFibers, flow: FlowDescription, identity: StateDictionary, options: TrainingOptions, level: Int,
    workers: Workers
  ) throws(Failure) {
    (self.fibers, self.options, self.level) = (fibers, options, level)
    let grid = fibers.grid
    let count = min(options.fiberBatch, fibers.trainingFrames.count * grid.positions)
    trainer = try FlowTrainer(
      channels: grid.channels, description: flow, weights: identity, groupCapacity: count,
      placeCapacity: max(grid.height, grid.width), workers: workers)
    best = try FloatBuffer(count: trainer.parameters.count)
    best.base.update(from: trainer.parameters.base, count: best.count)
    conditions = try PositionConditions(grid, channels: flow.conditionChannels, groupCapacity: count)
    group = try FloatBuffer(count: count * grid.channels)
    logDeterminants = try FloatBuffer(count: count)
    var random = Random(seed: options.seed, purpose: "coupling judges", level)
    let all = random.permutation(fibers.judgingFrames.count * grid.positions)
    judges = all.prefix(Self.judgeCount).map { index in
      FoldedFibers.Place(frame: fibers.judgingFrames[index / grid.positions], position: index % grid.positions)
    }
    likelihoodBefore = judges.reduce(0) { $0 + fibers.logDensity($1) } / Double(max(judges.count, 1))
  }

  /// What the couplings at their best add to the mean log p / C of the judging frames; 0 when none are better than the
  /// identity.
  var gain: Double { max(gains.max() ?? 0, 0) }

  /// Whether all of these steps are made, or the likelihood has not risen for long.
  func isFinished(of steps: Int) -> Bool {
    guard trainer.stepCount < steps else { return true }
    let sinceBest = gains.count - (gains.lastIndex { $0 == gain }.map { $0 + 1 } ?? 0)
    return sinceBest >= Self.patience
  }

  /// Makes the next of `steps` steps, and a judgement when one is due. The training of a level ends early when its
  /// numbers are no longer finite, as with too high a learning rate.
  ///
  /// - Returns: the mean loss before the step; nil when the training ended early.
  func step(of steps: Int) throws(Failure) -> Float? {
    do throws(Failure) { return try judgedStep(of: steps) } catch {
      guard error.kind == .diverged else { throw error }
      trainer.parameters.base.update(from: best.base, count: best.count)
      trainer.forgetSteps()
      trainer.stepCount = steps
      return nil
    }
  }

  private func judgedStep(of steps: Int) throws(Failure) -> Float {
    let loss = try step(rate: rate(trainer.stepCount, of: steps))
    let done = trainer.stepCount
    if Self.judgements.contains(where: { ($0 * steps + 31) / 32 == done }) {
      let gain = try judge()
      if gain > self.gain { best.base.update(from: trainer.parameters.base, count: best.count) }
      gains.append(gain)
    }
    return loss
  }

  /// Measures the seconds of a step and of a judgement by a few of them, which leave everything as it was before the
  /// first step.
  func rehearse(_ clock: () -> Double) throws(Failure) -> (step: Double, judgement: Double) {
    // The first step is not timed, since its memory was never used before.
    _ = try step(rate: 0)
    let start = clock()
    for _ in 0..<Self.rehearsalCount { _ = try step(rate: 0) }
    let middle = clock()
    _ = try judge()
    let end = clock()
    trainer.forgetSteps()
    return ((middle - start) / Double(Self.rehearsalCount), end - middle)
  }

  private static let rehearsalCount = 4

  private func step(rate: Float) throws(Failure) -> Float {
    var random = Random(seed: options.seed, purpose: "coupling step", level, trainer.stepCount)
    let grid = fibers.grid
    for row in 0..<trainer.groupCapacity {
      let frame = fibers.trainingFrames[random.integer(below: fibers.trainingFrames.count)]
      gather(FoldedFibers.Place(frame: frame, position: random.integer(below: grid.positions)), row: row)
    }
    for i in 0..<group.count { group.base[i] += Float(Self.noise * random.normal()) }
    return try trainer.step(
      fibers: group.base, conditions: conditions.conditions, count: trainer.groupCapacity, learningRate: rate,
      logDeterminants: logDeterminants.base)
  }

  /// The learning rate: half a period of a cosine down to 0, times a linear warm-up.
  private func rate(_ step: Int, of steps: Int) -> Float {
    let done = Double(step) / Double(max(steps, 1))
    let warmth = min(1, Double(step + 1) / max(Self.warmup * Double(steps), 1))
    return options.learningRate * Float(warmth * (1 + cos(.pi * done)) / 2)
  }

  /// What the current couplings add to the mean log p / C of the judging frames.
  private func judge() throws(Failure) -> Double {
    var sum = 0.0
    for start in stride(from: 0, to: judges.count, by: trainer.groupCapacity) {
      let places = judges[start..<min(start + trainer.groupCapacity, judges.count)]
      for (row, place) in places.enumerated() { gather(place, row: row) }
      sum +=
        Double(places.count)
        * (try trainer.evaluate(
          fibers: group.base, conditions: conditions.conditions, count: places.count,
          logDeterminants: logDeterminants.base))
    }
    return sum / Double(max(judges.count, 1)) - likelihoodBefore
  }

  private func gather(_ place: FoldedFibers.Place, row: Int) {
    let channels = fibers.grid.channels
    (group.base + row * channels).update(from: fibers.fiber(place), count: channels)
    logDeterminants.base[row] = fibers.logDeterminant(place)
    conditions.set(row, position: place.position)
  }
}

extension CouplingTraining {
  /// The weights at the best judgement, to be read at the end; nil when none are better than the identity.
  var weights: StateDictionary? {
    get throws(Failure) {
      guard gain > 0 else { return nil }
      trainer.parameters.base.update(from: best.base, count: best.count)
      return try trainer.weights
    }
  }

  var state: CouplingState { CouplingState(gains: gains, best: gain > 0 ? best : nil) }

  /// Resumes from the state of a training that began as this one did. Fails with `.format` when it cannot be one.
  func restore(_ flow: FlowTrainer.State, _ state: CouplingState) throws(Failure) {
    try trainer.restore(flow)
    gains = state.gains
    guard gains.allSatisfy(\.isFinite), gains.count <= Self.judgements.count, (gain > 0) == (state.best != nil) else {
      throw Failure(.format, "the checkpoint's judgements are none of this training")
    }
    guard let saved = state.best else { return }
    guard saved.count == best.count, allFinite(saved.base, count: saved.count) else {
      throw Failure(.format, "the checkpoint's best numbers are not \(best.count)")
    }
    best.base.update(from: saved.base, count: best.count)
  }
}

/// The state of a level's couplings beside that of their flow.
package struct CouplingState {
  /// What they added to the mean log p / C of the judging frames at each judgement.
  package let gains: [Double]
  /// The parameters at the best judgement; nil when none was better than the identity.
  package let best: FloatBuffer?

  package init(gains: [Double], best: FloatBuffer?) {
    self.gains = gains
    self.best = best
  }
}
