import Basics
import Encoders
import Flows
import Imaging

/// Fingerprints of everything that determines the numbers of a fit. A checkpoint belongs to a run with the same ones.
package struct TrainingIdentity: Equatable, Sendable {
  /// Of the settings of the flows and of the loops.
  package let options: String
  /// Of the encoder, the preprocessing and the flows' first weights.
  package let weights: String
  /// Of the frames to train on, in their order.
  package let frames: String

  package init(options: String, weights: String, frames: String) {
    self.options = options
    self.weights = weights
    self.frames = frames
  }

  init(
    options: TrainingOptions, preprocessing: Preprocessing, encoder: EncoderDescription,
    encoderWeights: StateDictionary,
    flowWeights: [StateDictionary], frames: [[UInt8]]
  ) throws(Failure) {
    var settings = Fingerprint()
    settings.add(
      "\(options.levelCount) \(options.flow.blockCount) \(options.flow.conditionChannels) "
        + "\(options.flow.permutation) \(options.flow.clamp) \(options.flow.clampAlpha) \(options.metaEpochs) "
        + "\(options.subEpochs) \(options.warmupEpochs) \(options.schedule) \(options.decayRate) "
        + "\(options.decayPercents) \(options.imageBatch) \(options.fiberBatch) \(options.learningRate) "
        + "\(options.rotationDegrees) \(options.seed)")
    // Left out for the paper's training, so that checkpoints of version 1.1 can still be resumed.
    if options.start != .paper {
      settings.add(
        "\(options.start) \(options.gaussianBytes) \(options.halfTurns) "
          + (options.timeBudget > 0 ? "time \(options.timeBudget)" : "steps \(options.plannedSteps)"))
    }
    if options.precision != .float32 { settings.add("\(options.precision)") }
    var weights = Fingerprint()
    weights.add(
      "\(encoder.architecture) \(encoder.padding) \(encoder.taps) \(preprocessing.width) \(preprocessing.height) "
        + "\(preprocessing.mean) \(preprocessing.standardDeviation)")
    for dictionary in [encoderWeights] + flowWeights { weights.add(try dictionary.fingerprint) }
    var pixels = Fingerprint()
    for frame in frames { pixels.add(frame) }
    self.init(options: settings.text, weights: weights.text, frames: pixels.text)
  }

  /// Says what differs; nil when nothing does.
  func difference(from other: TrainingIdentity) -> String? {
    if options != other.options { return "its options are others" }
    if weights != other.weights { return "its encoder or first flows are others" }
    if frames != other.frames { return "its frames to train on are others" }
    return nil
  }
}
