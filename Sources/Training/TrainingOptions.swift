import Basics
import Encoders
import Flows
import Imaging
import Scoring

/// Settings of a training run: `cflowad_train_options`. The defaults of the paper's training are the original system's.
package struct TrainingOptions: Sendable, Equatable {
  /// How frames become the network's input; mean and standard deviation are those of the encoder.
  package var preprocessing = Preprocessing()
  /// What the detector computes in. An encoder of 8 bits is made by the fit, from frames to train on, before the flows are fitted to
  /// its features. A detector to go on from keeps its own.
  package var precision = Precision.float32
  /// The number of feature levels, 1...3; the coarsest ones are kept.
  package var levelCount = 3
  /// What to train for, in place of the start and the number of steps.
  package var preset = Preset.none
  package var start = Start.automatic
  /// How many bytes the positions' own covariances of a Gaussian start may take in all levels together.
  package var gaussianBytes = 64 << 20
  package var halfTurns = HalfTurns.automatic
  /// For how many steps the coupling blocks of each level behind a closed form are trained, 0...1000000; nil for the
  /// start's default, or for as many as the time budget allows.
  package var couplingSteps: Int?
  /// How many seconds a fit may take, up to 1000000: coupling steps fill the time; 0 for no budget.
  package var timeBudget: Float = 0
  /// The flows if they have coupling blocks; ``flowDescription`` also takes the start into account.
  package var flow = FlowDescription()
  /// 1...10000.
  package var metaEpochs = 25
  /// Passes over the frames per meta epoch, 1...10000.
  package var subEpochs = 8
  /// Meta epochs of warm-up, below `metaEpochs` or 0.
  package var warmupEpochs = 2
  package var schedule = LearningRateSchedule.Kind.cosine
  /// What the steps of a schedule multiply the rate by, above 0 up to 1; its third power is the share of the rate that a
  /// cosine ends at.
  package var decayRate: Float = 0.1
  /// When a schedule steps: after these shares of the meta epochs, in percent, 0...100.
  package var decayPercents = [50, 75, 90]
  /// Frames, or tiles, per batch, 1...4096.
  package var imageBatch = 32
  /// Fibers per step of Adam, 1...65536.
  package var fiberBatch = 256
  /// Above 0 up to 1. Couplings behind a closed form have another default: ``resolved(from:)``.
  package var learningRate: Float = 2e-4
  /// Largest angle of the random rotation, 0...180.
  package var rotationDegrees: Float = 5
  /// The share of the frames that is held back when no frames were added for calibration, 0...0.9.
  package var calibrationFraction: Float = 0.1
  package var calibration = CalibrationOptions()
  package var seed: UInt64 = 0
  /// Memory for cached features in bytes.
  package var featureCacheBytes = 2 << 30

  package init() {}

  /// The flows these options describe.
  package var flowDescription: FlowDescription {
    get throws(Failure) {
      let meant = resolved()
      let isGaussian = meant.start == .gaussian
      return try flow.with(
        start: isGaussian ? .gaussian : FlowDescription.Start.none,
        blockCount: isGaussian && timeBudget == 0 && meant.plannedSteps == 0 ? 0 : flow.blockCount)
    }
  }

  /// Fails with `.invalidArgument`, naming the first setting that is out of range. NaN is out of every range.
  package func validate() throws(Failure) {
    try checkRange("the number of levels", levelCount, within: 1...3)
    try checkRange("the number of meta epochs", metaEpochs, within: 1...10_000)
    try checkRange("the number of sub-epochs", subEpochs, within: 1...10_000)
    try checkRange("the number of warm-up epochs", warmupEpochs, within: 0...(metaEpochs - 1))
    try checkRange("the image batch", imageBatch, within: 1...4096)
    try checkRange("the fiber batch", fiberBatch, within: 1...65536)
    guard learningRate > 0, learningRate <= 1 else {
      throw Failure(.invalidArgument, "the learning rate \(learningRate) is not above 0 and up to 1")
    }
    guard decayRate > 0, decayRate <= 1 else {
      throw Failure(.invalidArgument, "the decay rate \(decayRate) is not above 0 and up to 1")
    }
    for percent in decayPercents { try checkRange("the decay at percent", percent, within: 0...100) }
    try checkRange("the rotation", rotationDegrees, within: 0...180)
    try checkRange("the memory of the Gaussian", gaussianBytes, within: 0...(1 << 40))
    try checkRange("the number of coupling steps", couplingSteps ?? 0, within: Self.couplingStepRange)
    try checkRange("the time budget", timeBudget, within: 0...1e6)
    try checkPlan()
    try checkRange("the calibration fraction", calibrationFraction, within: 0...0.9)
    try calibration.validate()
    try checkRange("the feature cache", featureCacheBytes, within: 0...Int.max)
    try checkEffects()
  }

  package static let couplingStepRange = 0...1_000_000
}
