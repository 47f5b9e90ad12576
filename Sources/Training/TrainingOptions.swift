import Basics
import Flows
import Imaging
import Scoring

/// Settings of a training run: `cflowad_train_options`. The defaults of the paper's training are the original system's.
package struct TrainingOptions: Sendable, Equatable {
  /// Network input, pixels, 32...2048.
  package var inputWidth = 256
  package var inputHeight = 256
  /// How samples of more than 8 bits become 8.
  package var window = Window.full
  package var resampling = Resampling.pillow3
  /// How frames are cut; nil: the network sees them whole.
  package var tiling: Tiling?
  /// Feature levels, the coarsest kept, 1...3.
  package var levelCount = 3
  /// What to train for, in place of the start and the number of steps.
  package var preset = Preset.none
  package var start = Start.automatic
  /// Bytes that the positions' own covariances of a Gaussian start may take in all levels together.
  package var gaussianBytes = 64 << 20
  package var halfTurns = HalfTurns.automatic
  /// Steps in which the coupling blocks behind a closed form are trained, for each level, 0...1000000; nil for as many as the
  /// start has by default, or the time budget has room for.
  package var couplingSteps: Int?
  /// Seconds that a fit may take, up to 1000000: coupling steps are made until then; 0 for no such plan.
  package var timeBudget: Float = 0
  /// K, 1...64.
  package var couplingBlocks = 8
  /// P, a multiple of 4 up to 1024; 0 for unconditional flows.
  package var conditionChannels = 128
  package var permutation = FlowDescription.Permutation.soft
  package var clamp = FlowDescription.Clamp.tanh
  /// 0.1...10.
  package var clampAlpha: Float = 1.9
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
  /// Above 0 up to 1. Of couplings behind a closed form the default is another: ``resolved(from:)``.
  package var learningRate: Float = 2e-4
  /// Largest angle of the random rotation, 0...180.
  package var rotationDegrees: Float = 5
  /// Share of the frames that is held back when no frame was added for calibration, 0...0.9.
  package var calibrationFraction: Float = 0.1
  /// Wanted share of good frames above the threshold, 0...0.5.
  package var falseRejectRate: Float = 0.01
  /// The same above the review threshold: 0 for no such threshold, or `falseRejectRate` up to 0.5.
  package var reviewRate: Float = 0
  /// Wanted share of good frames below the low threshold, 0...0.5.
  package var lowRate: Float = 0.01
  /// What frames below it are given; `.pass` for no low threshold.
  package var lowVerdict = Verdict.review
  /// Wanted share of good frames' pixels above the map's threshold, 0...0.5.
  package var pixelRate: Float = 0.001
  /// As ``Calibration/smoothing``; nil for what suits the flows' start, or what a detector to go on from has.
  package var mapSmoothing: Float?
  /// The rules that need defective frames are for calibrations that have some; the miss's cost is 1e-6...1e6.
  package var thresholdRule = ThresholdRule.conformal
  package var seed: UInt64 = 0
  /// Memory for cached features.
  package var featureCacheBytes = 2 << 30

  package init() {}

  var calibrationOptions: CalibrationOptions {
    var options = CalibrationOptions()
    options.falseRejectRate = Double(falseRejectRate)
    options.reviewRate = Double(reviewRate)
    options.lowRate = Double(lowRate)
    options.lowVerdict = lowVerdict
    options.pixelRate = Double(pixelRate)
    options.rule = thresholdRule
    return options
  }

  /// The flows these options describe; fails when theirs are out of range.
  package var flowDescription: FlowDescription {
    get throws(Failure) {
      let meant = resolved()
      let isGaussian = meant.start == .gaussian
      return try FlowDescription(
        start: isGaussian ? .gaussian : .none,
        blockCount: isGaussian && timeBudget == 0 && meant.plannedSteps == 0 ? 0 : couplingBlocks,
        conditionChannels: conditionChannels, permutation: permutation, clamp: clamp,
        clampAlpha: clampAlpha)
    }
  }

  /// Fails with `.invalidArgument`, naming the first setting that is out of range. NaN is out of every range.
  package func validate() throws(Failure) {
    let sides = Preprocessing.minimumSide...Preprocessing.maximumSide
    try check(inputWidth, within: sides, "the input width")
    try check(inputHeight, within: sides, "the input height")
    try check(levelCount, within: 1...3, "the number of levels")
    _ = try flowDescription
    try check(metaEpochs, within: 1...10_000, "the number of meta epochs")
    try check(subEpochs, within: 1...10_000, "the number of sub-epochs")
    try check(warmupEpochs, within: 0...(metaEpochs - 1), "the number of warm-up epochs")
    try check(imageBatch, within: 1...4096, "the image batch")
    try check(fiberBatch, within: 1...65536, "the fiber batch")
    guard learningRate > 0, learningRate <= 1 else {
      throw Failure(.invalidArgument, "the learning rate \(learningRate) is not above 0 and up to 1")
    }
    guard decayRate > 0, decayRate <= 1 else {
      throw Failure(.invalidArgument, "the decay rate \(decayRate) is not above 0 and up to 1")
    }
    for percent in decayPercents { try check(percent, within: 0...100, "the decay at percent") }
    try check(rotationDegrees, within: 0...180, "the rotation")
    try check(gaussianBytes, within: 0...(1 << 40), "the memory of the Gaussian")
    try check(couplingSteps ?? 0, within: Self.couplingStepRange, "the number of coupling steps")
    try check(timeBudget, within: 0...1e6, "the time budget")
    try checkPlan()
    try check(calibrationFraction, within: 0...0.9, "the calibration fraction")
    try check(falseRejectRate, within: 0...0.5, "the false reject rate")
    if reviewRate != 0 { try check(reviewRate, within: falseRejectRate...0.5, "the review rate") }
    try check(lowRate, within: 0...0.5, "the low rate")
    try check(pixelRate, within: 0...0.5, "the pixel rate")
    if let mapSmoothing { try check(Double(mapSmoothing), within: Calibration.smoothings, "the map's smoothing") }
    if case .lowestCost(let miss) = thresholdRule { try check(miss, within: 1e-6...1e6, "the cost of a miss") }
    try check(featureCacheBytes, within: 0...Int.max, "the feature cache")
    try checkEffects()
  }

  package static let couplingStepRange = 0...1_000_000

  private func check<Value: Comparable>(_ value: Value, within range: ClosedRange<Value>, _ name: String)
    throws(Failure)
  {
    guard range.contains(value) else { throw Failure(.invalidArgument, "\(name) \(value) is not within \(range)") }
  }
}
