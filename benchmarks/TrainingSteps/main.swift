import Basics
import Execution
import Flows
import Kernels
import Training

// Times training steps of one flow, for benchmarks/training_speed.py.
//
//     training-steps CHANNELS GRID_SIDE GROUP THREADS
//
// For each line of standard input, a number of steps, it makes them and answers with milliseconds per step. Flows are the
// published ones (K = 8, P = 128, soft permutation); fibers are random, and lie at random places of the grid.

@MainActor func run() throws(Failure) {
  let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
  guard numbers.count == 4 else {
    throw Failure(.invalidArgument, "usage: training-steps CHANNELS GRID_SIDE GROUP THREADS")
  }
  let (channels, side, group, threads) = (numbers[0], numbers[1], numbers[2], numbers[3])
  let description = try FlowDescription(blockCount: 8, conditionChannels: 128)
  var random = Random(seed: 0)
  let trainer = try FlowTrainer(
    channels: channels, description: description,
    weights: FlowTrainer.initialWeights(channels: channels, description: description, random: &random),
    groupCapacity: group, placeCapacity: side, workers: Workers(count: threads))
  let conditions = try PositionConditions(
    Grid(height: side, width: side, channels: channels), channels: 128, groupCapacity: group)
  let fibers = try FloatBuffer(count: group * channels)
  for i in 0..<fibers.count { fibers.base[i] = Float(random.uniform(in: 0...1)) }
  for fiber in 0..<group { conditions.set(fiber, position: Int(random.uniform(in: 0...Double(side * side - 1)))) }
  while let line = readLine(), let steps = Int(line), steps > 0 {
    let start = ContinuousClock.now
    for _ in 0..<steps {
      _ = try trainer.step(
        fibers: fibers.base, conditions: conditions.conditions, count: group, learningRate: 2e-4)
    }
    let elapsed = (ContinuousClock.now - start).components
    print(1e3 * (Double(elapsed.seconds) + 1e-18 * Double(elapsed.attoseconds)) / Double(steps))
    fflush(nil)
  }
}

do {
  try run()
} catch {
  print(error.message)
  exit(1)
}
