import Basics
import Encoders
import Execution
import Flows
import Imaging
import Scoring

/// Trains a detector's flows from good frames, and freezes its constants from good frames that were not trained on.
///
/// One call at a time.
package final class Trainer {
  package let options: TrainingOptions
  package var preprocessing: Preprocessing { options.preprocessing }
  package internal(set) var flowDescription: FlowDescription
  package internal(set) var calibration: Calibration?
  /// What the detector computed of a known frame when it was calibrated.
  private var selfTest: SelfTest?
  /// Where a fit stores its state and resumes from it; nil for nowhere.
  package var checkpoint: (any TrainingCheckpoint)?
  /// The region in which frames are scored, by the calibration and later by the detector; nil for whole frames. It
  /// begins as that of the detector to go on from. Training uses whole frames.
  package var regionOfInterest: RegionOfInterest?
  /// The clock of time budgets, in seconds.
  var clock: () -> Double = monotonicSeconds
  var encoder: Encoder
  var encoderWeights: StateDictionary
  var provenance: [String: String]
  /// The threads of everything that is computed here.
  let workers: Workers
  var flowWeights: [StateDictionary]
  /// Why a fit by these options is refused; nil when it is not. Calibration is always possible.
  private var conflict: Failure?
  /// The summary of the last fit, by this trainer or of the detector that it began with.
  var fitSummary: FitSummary?
  /// How much more frames helped; nil where the fit did not find out.
  var curve: LearningCurve?
  /// What a fit from a closed form found.
  package internal(set) var report: FitReport?
  var frames: TrainingFrames
  /// The options as they were given, before a detector's own replaced some of them.
  let givenOptions: TrainingOptions
  /// The smoothing in the calibration of the detector to go on from.
  private let loadedSmoothing: Double?
  var state = State.open
  /// The detector before it became one of 8 bits; nil unless ``quantize(passes:_:)`` was called.
  var quantized: QuantizedDetector?

  enum State {
    /// Nothing was fitted yet, so that there is nothing to calibrate or save.
    case open
    /// The flows came from a file.
    case pretrained
    case fitted
    /// ``quantize(passes:_:)`` has taken the place of a fit.
    case quantized
    /// A fit failed after it had begun.
    case failed
  }

  /// - Parameters:
  ///   - contents: an encoder alone, whose flows then begin as the options say; or a whole detector, whose flows are
  ///     trained further. A detector's preprocessing, levels and flow settings replace those of the options.
  ///   - options: fails with `.invalidArgument` when they are out of range.
  ///   - workers: share the work, without effect on the numbers; nil for a thread per processor.
  package init(_ contents: DetectorContents, options: TrainingOptions, workers: Workers? = nil) throws(Failure) {
    try options.validate()
    let workers = if let workers { workers } else { try Workers(count: 0) }
    let wanted = options
    givenOptions = wanted
    var options = wanted.resolved(from: contents.flow)
    if contents.flow == nil { try options.checkStart() }
    var taps = try Self.taps(contents, start: options.start)
    if let flow = contents.flow {
      options.preprocessing = contents.preprocessing
      options.levelCount = taps.count
      conflict = wanted.conflict(with: flow)
      if flow.start == .gaussian { options.rotationDegrees = 0 }
      // A Gaussian without blocks does not tell how many are wanted now.
      options.flow = flow.blockCount > 0 ? flow : try flow.with(blockCount: options.flow.blockCount)
    } else {
      guard options.levelCount <= taps.count else {
        throw Failure(.invalidArgument, "\(options.levelCount) levels are more than the encoder's \(taps.count)")
      }
      taps = Array(taps.suffix(options.levelCount))
      options.preprocessing = options.preprocessing.normalized(as: contents.preprocessing)
    }
    let description = EncoderDescription(
      architecture: contents.encoder.architecture, padding: contents.encoder.padding, taps: taps,
      precision: contents.encoder.precision)
    let preprocessing = options.preprocessing
    // It is prepared as in the detector, so that scoring computes the features that were trained on.
    encoder = try Encoder(
      description, weights: contents.encoderWeights,
      inputSize: EncoderInputSize(height: preprocessing.height, width: preprocessing.width), workers: workers)
    let flowDescription = if let flow = contents.flow { flow } else { try options.flowDescription }
    let levels = try encoder.levelGrids(height: preprocessing.height, width: preprocessing.width)
    if contents.flow != nil {
      guard contents.flowWeights.count == levels.count else {
        throw Failure(.format, "\(contents.flowWeights.count) flows do not fit \(levels.count) feature levels")
      }
      flowWeights = contents.flowWeights
      state = .pretrained
    } else {
      // A closed form makes its own when it is fitted.
      flowWeights = []
      for (level, grid) in levels.enumerated() where options.start == .paper {
        var random = Random(seed: options.seed, purpose: "initial weights", level)
        flowWeights.append(
          try FlowTrainer.initialWeights(
            channels: grid.channels, description: flowDescription, precision: options.precision, random: &random))
      }
    }
    var used = StateDictionary()
    for key in encoder.usedKeys { used[key] = contents.encoderWeights[key] }
    encoderWeights = used
    calibration = contents.calibration
    selfTest = contents.selfTest
    regionOfInterest = contents.calibration?.regionOfInterest
    loadedSmoothing = contents.calibration?.smoothing
    frames = try TrainingFrames(preprocessing, trained: contents.trainedFrames)
    fitSummary = contents.fit
    provenance = contents.provenance
    // The new detector gets a creation time of its own.
    provenance["created"] = nil
    self.flowDescription = flowDescription
    self.options = options
    self.workers = workers
  }

  /// Where features are taken. A new detector with a Gaussian takes them behind the residual, where it finds more defects than
  /// before it. Whitened flows take them before the residual, as the original system does, which is to load them as checkpoints. If
  /// the encoder's file names other modules, these are used.
  private static func taps(_ contents: DetectorContents, start: TrainingOptions.Start) throws(Failure) -> [String] {
    let encoder = contents.encoder
    guard contents.flow == nil, start == .gaussian,
      encoder.taps == (try Encoder.taps(architecture: encoder.architecture)),
      let residualTaps = try Encoder.residualTaps(architecture: encoder.architecture)
    else { return encoder.taps }
    return residualTaps
  }

  /// The longest name of a frame in bytes, as long as a path.
  package static let longestName = 4096

  /// Adds a frame of any size. It must be a good one, except in the role of a defective example. Fails with `.state`
  /// when it is to be held back from training, but was trained on.
  ///
  /// - Parameter name: the name by which ``Advice`` mentions the frame. Without one it is mentioned by its index.
  package func add(_ frame: Frame, role: FrameRole, name: String = "") throws(Failure) {
    try checkUsable()
    guard role != .training || (state != .fitted && state != .quantized) else {
      throw Failure(.state, "a frame to train on was added after the fit")
    }
    try frames.add(frame, role: role, name: name)
  }

  /// Receives the detector, not calibrated, after each meta epoch; these are counted from 0.
  package typealias Observer = (_ metaEpoch: Int, _ contents: DetectorContents) throws(Failure) -> Void

  /// Trains the flows; may be called once. Without calibration frames some training frames are held back first.
  ///
  /// The same frames, options and seed give the same weights, bit for bit. If ``checkpoint`` holds a state the run
  /// resumes from it and ends with the same weights.
  ///
  /// - Parameters:
  ///   - holdsBack: false to train on all frames, for a detector that is not calibrated from them.
  ///   - observer: called at the end of each meta epoch that is not in the checkpoint yet.
  /// - Throws: `.state` without enough frames or when the checkpoint is that of another run, `.cancelled`, `.diverged`
  ///   saying where; and whatever the checkpoint and the observer throw. A trainer that fails after the loops have
  ///   begun can only be closed; another one can resume from the checkpoint.
  package func fit(
    _ handler: TrainingProgress.Handler? = nil, holdsBack: Bool = true, observer: Observer? = nil
  ) throws(Failure) {
    try checkUsable()
    try checkNotFitted()
    if let conflict { throw conflict }
    let givenCount = frames.training.count
    guard givenCount > 0 else { throw Failure(.state, "no frame was added to train on") }
    let budget = options.timeBudget > 0 ? TimeBudget(seconds: Double(options.timeBudget), clock: clock) : nil
    if holdsBack { try frames.holdBack(Double(options.calibrationFraction), seed: options.seed) }
    try frames.checkHeldBack()
    let pictures = frames.training.flatMap(\.pictures)
    switch options.start {
    case .paper: try trainFromRandomWeights(pictures, ProgressReporter(handler), observer)
    case .gaussian, .whitened, .automatic: try trainFromGaussian(pictures, ProgressReporter(handler), budget)
    }
    fitSummary = try FitSummary(
      givenCount: givenCount, fittedCount: frames.training.count, curve: curve,
      couplingGains: report?.couplingGains ?? [])
    calibration = nil
    state = .fitted
  }

  /// Begins the part of a fit whose failure leaves the trainer unusable.
  func beginFit(_ pictures: [[UInt8]]) throws(Failure) -> FeatureSource {
    state = .failed
    fitSummary = nil
    frames.noteTraining()
    if options.precision == .int8, encoder.description.precision == .float32 {
      try replaceEncoder(by: quantizer, pictures)
    }
    return try FeatureSource(
      encoder, preprocessing: preprocessing, frames: pictures, options: options, workers: workers)
  }

  /// Computes the frozen constants and the thresholds from the calibration frames and the defective examples.
  ///
  /// - Throws: `.state` before the fit of a new detector, without calibration frames, or without defective ones for a
  ///   rule that needs them, `.cancelled`, `.diverged`; the calibration then stays as it was.
  package func calibrate(_ handler: TrainingProgress.Handler? = nil) throws(Failure) {
    try checkUsable()
    guard state != .open else { throw Failure(.state, "nothing was fitted yet: fit comes before calibrate") }
    var calibrationOptions = options.calibration
    calibrationOptions.regionOfInterest = regionOfInterest
    calibrationOptions.smoothing = smoothing
    let (found, test) = try frames.calibration(
      of: contents, calibrationOptions, workers: workers, calibrationHandler(0, handler))
    try compareQuantized(found, calibrationOptions, calibrationHandler(1, handler))
    (calibration, selfTest) = (found, test)
  }

  /// Makes one stage of two calibrations by the same frames: of a detector that became one of 8 bits, and of what it was before.
  private func calibrationHandler(_ part: Int, _ handler: TrainingProgress.Handler?) -> TrainingProgress.Handler? {
    guard quantized != nil, let handler else { return handler }
    return { progress in
      var progress = progress
      progress.done += part * progress.total
      progress.total *= 2
      return handler(progress)
    }
  }

  /// How the detector's map is smoothed: as an option says, or else as it was. A new Gaussian's map is smoothed as much
  /// as PaDiM's, by 4 pixels of 256, since what it finds at a single place of the finest grid is less certain than what
  /// neighbours agree on.
  private var smoothing: Double {
    if let known = options.calibration.smoothing ?? loadedSmoothing { return known }
    return flowDescription.start == .gaussian ? Double(preprocessing.width + preprocessing.height) / 128 : 0
  }

  /// How many coupling steps for each level the fit planned, by its options or its time budget; 0 without a closed
  /// form, and before the fit.
  package var couplingSteps: Int { report?.couplingSteps ?? 0 }

  /// What is worth knowing about the detector as it is now.
  package var advice: Advice {
    get throws(Failure) {
      Advice(
        fit: fitSummary, calibration: calibration, startsAtGaussian: flowDescription.start == .gaussian,
        levels: try encoder.levelGrids(height: preprocessing.height, width: preprocessing.width))
    }
  }

  /// The current detector, to be saved, with those weights of the encoder that it needs.
  package var contents: DetectorContents {
    get throws(Failure) {
      try checkUsable()
      guard state != .open else { throw Failure(.state, "nothing was fitted yet: fit comes before save") }
      var provenance = provenance
      if state == .fitted {
        let count = frames.training.count
        provenance["training"] =
          report.map { "\(count) frames, \($0.summary), seed \(options.seed)" }
          ?? "\(count) frames, \(options.metaEpochs) x \(options.subEpochs) epochs, learning rate "
          + "\(options.learningRate), batches of \(options.imageBatch) frames and \(options.fiberBatch) fibers, rotation "
          + "\(options.rotationDegrees) degrees, seed \(options.seed)"
      }
      var contents = try contents(flowWeights)
      contents.calibration = calibration
      // It is of the same weights and constants as the calibration.
      contents.selfTest = calibration == nil ? nil : selfTest
      contents.provenance = provenance
      return contents
    }
  }

  /// The current detector ready to score. The trainer does not change it later.
  package var detector: Detector {
    get throws(Failure) {
      var contents = try contents
      contents.weightsDigest = try contents.computedWeightsDigest(workers)
      return try Detector(contents, workers: workers)
    }
  }

  /// The longest text of ``setProvenance(_:_:)`` in bytes, as a file can hold it.
  package static let longestText = 60_000

  /// Sets a text that the model file keeps for people: `name`, what they call the detector, `created`, when it was made, or any
  /// other; nil for none. Fails with `.invalidArgument` for a name that is not 1 to 64 small letters, digits and underscores,
  /// one that the trainer sets itself, and a text that is empty or too long.
  package func setProvenance(_ name: String, _ text: String?) throws(Failure) {
    guard (1...64).contains(name.utf8.count),
      name.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f })
    else {
      throw Failure(
        .invalidArgument, "'\(name)' is not a name of 1 to 64 small letters, digits and underscores")
    }
    guard !["training", "quantization"].contains(name) else {
      throw Failure(.invalidArgument, "the text '\(name)' is the trainer's own")
    }
    guard text.map({ (1...Self.longestText).contains($0.utf8.count) && !$0.utf8.contains(0) }) ?? true else {
      throw Failure(.invalidArgument, "the text '\(name)' has not 1 to \(Self.longestText) bytes without a NUL")
    }
    provenance[name] = text
  }

  /// Fails with `.state` when the flows were made by this trainer already.
  func checkNotFitted() throws(Failure) {
    guard state != .fitted, state != .quantized else { throw Failure(.state, "the trainer was fitted already") }
  }

  /// With 8 bits the flows are those that the detector computes with, as its file holds them.
  func contents(_ flowWeights: [StateDictionary]) throws(Failure) -> DetectorContents {
    var flowWeights = flowWeights
    if encoder.description.precision == .int8 {
      for level in flowWeights.indices {
        flowWeights[level] = try QuantizedFlow.weights(flowWeights[level], flowDescription)
      }
    }
    return DetectorContents(
      encoder: encoder.description, preprocessing: preprocessing, flow: flowDescription,
      encoderWeights: encoderWeights, flowWeights: flowWeights, trainedFrames: frames.trained, fit: fitSummary,
      provenance: provenance)
  }

  func checkUsable() throws(Failure) {
    if case .failed = state { throw Failure(.state, "a fit failed or was cancelled: the trainer can only be closed") }
  }
}
