import Basics
import Execution
import Flows
import OpenBLAS
import Support
import Testing

@testable import Training

extension LAPACKTests {
  /// Fits from a closed form on: plans by a clock of the test's own, what is kept, and FrEIA's parameters of a whitening.
  @Suite struct ClosedFormTests {
    static func options(_ start: TrainingOptions.Start, couplingSteps: Int? = nil) -> TrainingOptions {
      var options = TrainerTests.small(blocks: 3)
      options.couplingSteps = couplingSteps
      options.fiberBatch = 16
      options.start = start
      return options
    }

    /// The same without coupling steps, and without what then is not read.
    private static func closedForm(_ start: TrainingOptions.Start) -> TrainingOptions {
      var options = options(start)
      options.couplingSteps = 0
      guard start == .gaussian else { return options }
      let defaults = TrainingOptions()
      options.flow = defaults.flow
      options.fiberBatch = defaults.fiberBatch
      return options
    }

    /// A clock that advances by so many seconds whenever it is read.
    private static func clock(_ step: Double) -> () -> Double {
      var now = 100.0
      return {
        now += step
        return now
      }
    }

    private func fitted(
      _ options: TrainingOptions, clock: @escaping () -> Double = { 0 }, checkpoint: StateMemory? = nil
    ) throws -> Trainer {
      let trainer = try TrainerTests.trainer(options, frames: 14)
      trainer.clock = clock
      trainer.checkpoint = checkpoint
      try trainer.fit()
      return trainer
    }

    @Test(arguments: [TrainingOptions.Start.gaussian, .whitened])
    func aTimeBudgetIsRepeatedByItsSteps(start: TrainingOptions.Start) throws {
      var options = Self.options(start)
      options.timeBudget = 100
      let memory = StateMemory()
      let planned = try fitted(options, clock: Self.clock(1), checkpoint: memory)
      let steps = planned.couplingSteps
      // Four steps seem to take a second, and a judgement takes one: for two levels 0.5 s a step and 20 s.
      #expect(steps > 60 && 0.5 * Double(steps) + 20 < 100, "\(steps) steps")
      let states = memory.states
      #expect(states.count > 1 && states.allSatisfy { $0.plannedSteps == steps })

      // Taken up again, on a machine that has become ten times slower.
      memory.states = [states[0]]
      let resumed = try fitted(options, clock: Self.clock(10), checkpoint: memory)
      #expect(resumed.couplingSteps == steps)
      #expect(try resumed.contents.flowWeights == planned.contents.flowWeights)

      options.timeBudget = 0
      options.couplingSteps = steps
      #expect(try fitted(options).contents.flowWeights == planned.contents.flowWeights)
    }

    @Test(arguments: [TrainingOptions.Start.gaussian, .whitened])
    func withoutTimeItIsTheClosedForm(start: TrainingOptions.Start) throws {
      var options = Self.options(start)
      options.timeBudget = 5
      let hurried = try fitted(options, clock: Self.clock(2))
      let plain = try fitted(Self.closedForm(start))
      #expect(hurried.couplingSteps == 0)
      #expect(try hurried.contents.flowWeights == plain.contents.flowWeights)
      #expect(try hurried.contents.flow?.blockCount == plain.contents.flow?.blockCount)
      #expect(try plain.contents.flow?.blockCount == (start == .gaussian ? 0 : 3))
    }

    @Test func couplingsThatSpoilTheLikelihoodAreLeftOut() throws {
      var options = Self.options(.gaussian)
      options.couplingSteps = 80
      options.learningRate = 1
      let trainer = try fitted(options)
      #expect(trainer.report?.couplingGains == [0, 0])
      // Where numbers are soon no longer finite.
      options.flow = try FlowDescription(blockCount: 3, conditionChannels: 8, clampAlpha: 10)
      let diverging = try fitted(options)
      #expect(diverging.report?.couplingGains == [0, 0])
      let plain = try fitted(Self.closedForm(.gaussian)).contents.flowWeights
      #expect(try trainer.contents.flowWeights == plain)
      #expect(try diverging.contents.flowWeights == plain)
    }

    @Test func theBestStateIsKept() throws {
      var options = Self.options(.whitened)
      options.couplingSteps = 400
      // So high that the likelihood rises at first and then falls.
      options.learningRate = 2e-2
      let memory = StateMemory()
      let trainer = try fitted(options, checkpoint: memory)
      let last = try #require(memory.states.last)
      let gains = try #require(trainer.report?.couplingGains)
      for (level, gain) in gains.enumerated() {
        #expect(gain == max(last.couplings[level].gains.max() ?? 0, 0))
        #expect(last.couplings[level].gains.count == 10 || last.flows[level].steps < 400)
      }
      #expect(gains.contains { $0 > 0 })
    }

    @Test func aDetectorOfThePapersGoesOnByItsDefaults() throws {
      var contents = try #require(TrainerTests.encoder)
      let trained = try TrainerTests.trainer()
      try trained.fit()
      contents = try trained.contents
      let options = try Trainer(contents, options: TrainingOptions()).options
      #expect(options.start == .paper && options.rotationDegrees == 5 && options.learningRate == 2e-4)
      let new = try Trainer(#require(TrainerTests.encoder), options: TrainingOptions()).options
      #expect(new.start == .gaussian && new.rotationDegrees == 0)
    }

    @Test(arguments: [1e-6, 1e-3, 0.5, 1, 3.9, 4.1, 1e3, 1e6])
    func aGainOfAnySizeHasAGlobalScale(gain: Double) {
      let found = BlockParameters.scale(Float(LeadingBlocks.globalScale(gain: gain)))
      expectClose(found, gain, within: 2e-6 * gain, "\(gain)")
    }

    @Test func aWhitenedFlowHasTheGaussiansDensity() throws {
      let frames = try GaussianFitTests.Frames(9)
      let grid = GaussianFitTests.grid
      let flow = try FlowDescription(blockCount: 3, conditionChannels: 4)
      let gaussian = try LAPACK.use(threads: 3) { () throws(Failure) in
        let fit = try GaussianFit(frames.features, hasPositionMeans: false, workers: Workers(count: 1))
        try fit.makeRotation()
        return try fit.parameters(rank: 0, shrinkage: 1)
      }
      var random = Random(seed: 1, purpose: "test", 0)
      let identity = try FlowTrainer.initialWeights(
        channels: grid.channels, description: flow, asIdentity: true, random: &random)
      let weights = try LeadingBlocks(channels: grid.channels, flow: flow)
        .weights(gaussian, identity: identity, following: nil)
      var layer = StateDictionary()
      try gaussian.store(in: &layer)
      let whitened = try FlowTransform(grid: grid, description: flow, weights: weights)
      let expected = try FlowTransform(
        grid: grid, description: FlowDescription(start: .gaussian, blockCount: 0, conditionChannels: 0), weights: layer)
      for frame in 0..<9 {
        let fiber = frames.fiber(frame, frame % grid.positions)
        let value = try whitened.logLikelihood(fiber, condition: [0, 1, 0, 1])
        let density = try expected.logLikelihood(fiber, condition: [])
        expectClose(value, density, within: 1e-5 * max(1, abs(density)), "frame \(frame)")
      }
    }

    @Test func theSignOfADeterminantIsFound() throws {
      try LAPACK.use(threads: 3) { () throws(Failure) in
        for (matrix, isNegative) in [([2.0, 1, 1, 3], false), ([1, 3, 2, 1], true), ([0, 1, 1, 0], true)] {
          #expect(try LAPACK.hasNegativeDeterminant(matrix, n: 2) == isNegative)
        }
      }
    }
  }
}
