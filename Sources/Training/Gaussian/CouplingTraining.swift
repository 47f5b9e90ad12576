import Basics
import Flows
import Glibc
import Kernels

/// Trains the coupling blocks of a level behind its Gaussian, from the identity on.
///
/// A Gaussian makes the fibers it was fitted to look whiter than new ones; couplings trained on those would learn a density
/// that is too narrow. So every frame is whitened by a Gaussian that was fitted without it (``FoldedFibers``), and the frames
/// of one fold are never trained on: they say in the end whether the couplings are better than none.
final class CouplingTraining {
  let trainer: FlowTrainer
  private let fibers: FoldedFibers
  private let options: TrainingOptions
  private let level: Int
  private let conditions: PositionConditions
  /// The group of a step: fibers and their ln |det|.
  private let group: FloatBuffer
  private let logDeterminants: FloatBuffer
  /// Fibers to judge by.
  private let judges: [FoldedFibers.Place]
  private let likelihoodBefore: Double

  /// Standard deviation of the noise that is added to fibers, whose own variance is 1: it keeps the density smooth.
  private static let noise = 0.2
  private static let judgeCount = 4096
  /// Share of the steps in which the rate rises.
  private static let warmup = 0.08

  /// - Parameter identity: the first weights, which change nothing.
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

  /// The next step of so many in all. Fails with `.diverged`.
  ///
  /// - Returns: the mean loss before it.
  func step(of steps: Int) throws(Failure) -> Float {
    let step = trainer.stepCount
    var random = Random(seed: options.seed, purpose: "coupling step", level, step)
    let grid = fibers.grid
    for row in 0..<trainer.groupCapacity {
      let frame = fibers.trainingFrames[random.integer(below: fibers.trainingFrames.count)]
      gather(FoldedFibers.Place(frame: frame, position: random.integer(below: grid.positions)), row: row)
    }
    for i in 0..<group.count { group.base[i] += Float(Self.noise * random.normal()) }
    return try trainer.step(
      fibers: group.base, conditions: conditions.conditions, count: trainer.groupCapacity,
      learningRate: rate(step, of: steps), logDeterminants: logDeterminants.base)
  }

  /// A linear warm-up under half a period of a cosine down to 0.
  private func rate(_ step: Int, of steps: Int) -> Float {
    let done = Double(step) / Double(max(steps, 1))
    let warmth = min(1, Double(step + 1) / max(Self.warmup * Double(steps), 1))
    return options.learningRate * Float(warmth * (1 + cos(.pi * done)) / 2)
  }

  /// What the couplings add to the mean log p / C of the frames to judge by.
  func gain() throws(Failure) -> Double {
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
