import Basics
import Encoders
import Imaging
import Scoring

/// Detectors of 8 bits, as part of a fit or made of a detector that was trained in float32.
extension Trainer {
  /// Converts the trainer's detector to 8 bits, in place of a fit. The training frames set the ranges of the encoder's maps.
  /// Calibrate afterwards, since features change a little; ``quantization`` then says what changed.
  ///
  /// Without calibration frames some training frames are held back first, as many as a fit holds back. Without passes only the
  /// frames that give ranges are needed, so that all others are held back.
  ///
  /// - Parameter passes: over the training frames, 0...10000, that train the flows further, on the new features. The learning
  ///   rate falls over them as the options say. 0: the flows stay as they are.
  /// - Throws: `.state` without a detector, for one that is of 8 bits already, or without enough frames; `.invalidArgument` for
  ///   options that have no effect; `.unsupported` for an encoder without a form of 8 bits, and for passes where flows start at
  ///   a Gaussian; `.cancelled`, `.diverged`. A trainer that fails after the work has begun can only be closed.
  package func quantize(passes: Int = 0, _ handler: TrainingProgress.Handler? = nil) throws(Failure) {
    try checkUsable()
    try checkNotFitted()
    guard state != .open else {
      throw Failure(.state, "there is no detector yet: with precision int8 the fit makes one of 8 bits")
    }
    guard encoder.description.precision == .float32 else {
      throw Failure(.state, "the detector is one of 8 bits already")
    }
    try checkRange("the number of passes", passes, within: 0...10_000)
    try checkQuantizationOptions(passes)
    guard passes == 0 || flowDescription.start == .none else {
      throw Failure(
        .unsupported,
        "passes do not train a Gaussian, at which the detector's flows start: a fit with precision int8 fits it anew")
    }
    guard !frames.training.isEmpty else { throw Failure(.state, "no frame was added that ranges could be taken from") }
    let quantizer = try quantizer
    let givenCount = frames.training.count
    let spare = 1 - Double(Self.rangeFrames) / Double(givenCount)
    try frames.holdBack(
      max(Double(options.calibrationFraction), passes == 0 ? spare : 0), seed: options.seed)
    try frames.checkHeldBack()
    let pictures = frames.training.flatMap(\.pictures)
    let original = try contents

    state = .failed
    frames.noteTraining()
    var reporter = ProgressReporter(handler)
    var progress = TrainingProgress(stage: .encode, total: 2 * min(pictures.count, Self.rangeFrames))
    try replaceEncoder(by: quantizer, pictures) { () throws(Failure) in
      progress.done += 1
      try reporter.report(progress, isImportant: progress.done == progress.total)
    }
    if passes > 0 {
      try trainFurther(passes, pictures, reporter)
      fitSummary = try FitSummary(givenCount: givenCount, fittedCount: frames.training.count)
    }
    quantized = QuantizedDetector(
      original: original, rangeCount: min(frames.training.count, Self.rangeFrames), passes: passes)
    provenance["quantization"] =
      "\(frames.training.count) frames, "
      + (passes == 0
        ? "flows as they were"
        : "flows trained further by \(passes) passes, learning rate \(options.learningRate), rotation "
          + "\(options.rotationDegrees) degrees, seed \(options.seed)")
    calibration = nil
    state = .quantized
  }

  /// How many pictures, from all over those to train on, give the ranges of the encoder's maps. More change them little.
  static let rangeFrames = 32

  var quantizer: EncoderQuantizer {
    get throws(Failure) {
      try EncoderQuantizer(
        encoder.description, weights: encoderWeights, mean: preprocessing.mean,
        standardDeviation: preprocessing.standardDeviation, workers: workers)
    }
  }

  /// Replaces the encoder by one of 8 bits.
  ///
  /// - Parameter each: called for each picture, twice.
  func replaceEncoder(
    by quantizer: EncoderQuantizer, _ pictures: [[UInt8]], each: () throws(Failure) -> Void = {}
  ) throws(Failure) {
    let input = try EncoderInput(preprocessing, for: encoder, workers)
    let count = min(pictures.count, Self.rangeFrames)
    var quantizer = quantizer
    let (height, width) = (preprocessing.height, preprocessing.width)
    let (description, weights) = try quantizer.quantize(height: height, width: width, workers: workers) {
      (body) throws(Failure) in
      for index in 0..<count {
        try pictures[index * pictures.count / count].withUnsafeBufferPointer { (pixels) throws(Failure) in
          if let pixels = pixels.baseAddress { try body(input.image(pixels)) }
        }
        try each()
      }
    }
    encoder = try Encoder(
      description, weights: weights, inputSize: EncoderInputSize(height: height, width: width), workers: workers)
    encoderWeights = weights
  }

  /// Fails with `.invalidArgument` when an option was set that has no effect here.
  private func checkQuantizationOptions(_ passes: Int) throws(Failure) {
    let given = givenOptions
    var unread = TrainingOptions()
    if passes == 0 {
      // Options of the flows are not checked: in a trainer of a detector the file's replace them anyway.
      unread = given
      unread.flow = TrainingOptions().flow
    } else {
      (unread.metaEpochs, unread.subEpochs, unread.warmupEpochs) = (
        given.metaEpochs, given.subEpochs, given.warmupEpochs
      )
    }
    var names = unread.setPaperOptions.map(\.name)
    if given.preset != .none { names.append("preset") }
    if (given.couplingSteps ?? 0) > 0 { names.append("coupling steps") }
    if given.timeBudget > 0 { names.append("time budget") }
    if given.halfTurns != .automatic { names.append("half turns") }
    guard names.isEmpty else {
      throw Failure(
        .invalidArgument,
        "no effect on quantizing \(passes == 0 ? "without passes" : "with a number of passes"): \(names.listed)")
    }
  }

  /// The original's loops, from the flows as they are.
  private func trainFurther(
    _ passes: Int, _ pictures: [[UInt8]], _ reporter: ProgressReporter
  ) throws(Failure) {
    var options = options
    (options.metaEpochs, options.subEpochs, options.warmupEpochs) = (passes, 1, 0)
    let source = try FeatureSource(
      encoder, preprocessing: preprocessing, frames: pictures, options: options, workers: workers)
    let run = try TrainingRun(
      source, frameCount: pictures.count, flow: flowDescription, options: options, weights: flowWeights)
    try run.fit(reporter) { (_, _) in
    } save: { (_, _) in
    }
    flowWeights = try run.weights()
  }
}
