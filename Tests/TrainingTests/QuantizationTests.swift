import Basics
import Encoders
import Flows
import Imaging
import Scoring
import Support
import Testing

@testable import Training

/// Detectors that are made ones of 8 bits after their training.
struct QuantizationTests {
  private static func fitted(
    _ options: TrainingOptions, precision: Precision = .float32, calibrated: Bool = true
  ) throws -> DetectorContents {
    var options = options
    options.precision = precision
    let trainer = try TrainerTests.trainer(options)
    if calibrated {
      for index in 20..<23 { try TrainerTests.add(index, to: trainer, role: .calibration) }
    }
    try trainer.fit()
    if calibrated { try trainer.calibrate() }
    return try trainer.contents
  }

  private static func gaussianOptions(tiling: Tiling? = nil) throws -> TrainingOptions {
    var options = TrainingOptions()
    options.levelCount = 2
    options.preprocessing = try Preprocessing(width: 64, height: 64, tiling: tiling)
    return options
  }

  /// The same frames give the same encoder as a training with 8 bits, and the flows stay.
  @Test(arguments: [true, false]) func theEncoderIsThatOfATrainingWithEightBits(isGaussian: Bool) throws {
    let options = isGaussian ? try Self.gaussianOptions() : TrainerTests.options
    let original = try Self.fitted(options)
    let trained = try Self.fitted(options, precision: .int8)
    let trainer = try Trainer(original, options: TrainingOptions())
    for index in 0..<8 { try TrainerTests.add(index, to: trainer, role: .training) }
    for index in 20..<23 { try TrainerTests.add(index, to: trainer, role: .calibration) }
    try trainer.quantize()
    #expect(trainer.quantization == nil)
    // Two calibrations are one stage.
    var reports: [TrainingProgress] = []
    try trainer.calibrate {
      reports.append($0)
      return false
    }
    #expect(reports.map(\.done) == reports.map(\.done).sorted() && Set(reports.map(\.total)).count == 1)
    #expect(reports.filter { $0.done == $0.total }.count == 1 && reports.last?.done == reports.last?.total)
    let made = try trainer.contents
    #expect(made.encoder == trained.encoder && made.encoder.precision == .int8)
    #expect(made.encoderWeights == trained.encoderWeights)
    let flow = try #require(original.flow)
    #expect(made.flowWeights == (try original.flowWeights.map { try QuantizedFlow.weights($0, flow) }))
    #expect(made.flowWeights != trained.flowWeights && made.flowWeights != original.flowWeights)
    #expect(made.flow == original.flow && made.fit == original.fit)
    #expect(made.provenance["quantization"] == "8 frames, flows as they were")
    #expect(made.provenance["training"] == original.provenance["training"])

    let report = try #require(trainer.quantization)
    #expect(report.rangeCount == 8 && report.passes == 0 && report.good.count == 3 && report.defective.count == 0)
    // The detector in float32 was calibrated by the same frames as at first.
    expectClose(report.good.float32, try #require(original.calibration).scores, within: 1e-6, "scores in float32")
    expectClose(report.good.int8, try #require(made.calibration).scores, within: 1e-6, "scores of 8 bits")
    #expect(report.good.int8 != report.good.float32)
    #expect(report.good.rankCorrelation >= 0.5)
    #expect(try report.auroc == nil)
    #expect(try trainer.float32Detector?.calibration == original.calibration)
    _ = try FrameScorer(Detector(made)).score(#require(trainer.frames.calibration.first))
  }

  /// All biases of some flows.
  private static func biases(_ contents: DetectorContents) throws -> [Float] {
    try contents.flowWeights.flatMap { weights in
      try weights.keys.filter { $0.hasSuffix("bias") && $0.contains("subnet") }.flatMap { key in
        try #require(try weights[key]?.values)
      }
    }
  }

  /// A training that goes on from a detector of 8 bits begins with flows that are rounded already.
  @Test func passesAreThoseOfATraining() throws {
    let original = try Self.fitted(TrainerTests.options)
    func trainer(_ contents: DetectorContents, _ options: TrainingOptions) throws -> Trainer {
      let trainer = try Trainer(contents, options: options)
      for index in 0..<8 { try TrainerTests.add(index, to: trainer, role: .training) }
      for index in 20..<23 { try TrainerTests.add(index, to: trainer, role: .calibration) }
      return trainer
    }
    var options = TrainingOptions()
    (options.imageBatch, options.fiberBatch, options.seed) = (3, 16, 4)
    let tuned = try trainer(original, options)
    try tuned.quantize(passes: 2)
    let plain = try trainer(original, TrainingOptions())
    try plain.quantize()
    #expect(try tuned.contents.encoderWeights == plain.contents.encoderWeights)
    (options.metaEpochs, options.subEpochs, options.warmupEpochs) = (2, 1, 0)
    let further = try trainer(plain.contents, options)
    try further.fit()
    let biases = try [tuned, plain, further].map { try Self.biases($0.contents) }
    func distance(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } }
    let gained = distance(biases[0], biases[1])
    #expect(gained > 0 && distance(biases[0], biases[2]) < 0.5 * gained)
    #expect(try tuned.contents.flowWeights.map(\.keys) == further.contents.flowWeights.map(\.keys))
    #expect(try tuned.contents.fit == further.contents.fit)
  }

  /// Without passes ranges take 32 frames and the others calibrate; with passes a share of them does.
  @Test func framesThatRangesDoNotNeedAreHeldBack() throws {
    let original = try Self.fitted(TrainerTests.options)
    func counts(frames: Int, passes: Int) throws -> (Int, Int) {
      var options = TrainingOptions()
      options.rotationDegrees = 0
      let trainer = try Trainer(original, options: passes > 0 ? options : TrainingOptions())
      for index in 0..<frames { try TrainerTests.add(100 + index, to: trainer, role: .training) }
      try trainer.quantize(passes: passes)
      #expect(try trainer.contents.trainedFrames.isSuperset(of: original.trainedFrames))
      return (trainer.frames.training.count, trainer.frames.calibration.count)
    }
    #expect(try counts(frames: 40, passes: 0) == (32, 8))
    #expect(try counts(frames: 40, passes: 1) == (36, 4))
    #expect(try counts(frames: 10, passes: 0) == (9, 1))
  }

  @Test func regionTilesAndDefectiveFramesTakePart() throws {
    let original = try Self.fitted(Self.gaussianOptions(tiling: Tiling(width: 48, height: 40, overlap: 8)))
    let trainer = try Trainer(original, options: TrainingOptions())
    for index in 0..<6 { try TrainerTests.add(index, to: trainer, role: .training) }
    for index in 20..<24 { try TrainerTests.add(index, to: trainer, role: .calibration) }
    let white = [UInt8](repeating: 255, count: 80 * 60 * 3)
    try white.withUnsafeBufferPointer { pixels in
      try trainer.add(
        Frame(base: #require(pixels.baseAddress), width: 80, height: 60, stride: 240, format: .rgb8), role: .defective)
    }
    let layout = original.preprocessing.tiles(frameWidth: 80, frameHeight: 60)
    let (width, height) = (layout.columns.mapLength, layout.rows.mapLength)
    trainer.regionOfInterest = try RegionOfInterest(
      width: width, height: height, mask: (0..<width * height).map { $0 % width < width / 2 ? 1 : 0 })
    try trainer.quantize()
    try trainer.calibrate()
    let report = try #require(trainer.quantization)
    #expect(report.good.count == 4 && report.defective.count == 1)
    let auroc = try #require(try report.auroc)
    let below = report.good.int8.count { $0 < report.defective.int8[0] }
    expectClose(auroc.int8, Double(below) / 4, within: 1e-12, "AUROC")
    #expect(try trainer.contents.calibration?.regionOfInterest != nil)
    // Two tiles and more a frame: pixels of all of them gave ranges, and scores are of whole frames.
    let scorer = try FrameScorer(trainer.detector)
    #expect(
      try trainer.frames.calibration.map { (frame) throws(Failure) in try scorer.score(frame).score }
        == report.good.int8)
  }

  @Test func whatCannotBeIsRefused() throws {
    func refused(
      _ kind: Failure.Kind, _ text: String, _ contents: DetectorContents,
      _ options: TrainingOptions = TrainingOptions(),
      passes: Int = 0, frames: Int = 3
    ) throws {
      let trainer = try Trainer(contents, options: options)
      for index in 0..<frames { try TrainerTests.add(index + 40, to: trainer, role: .training) }
      let failure = #expect(throws: Failure.self) { try trainer.quantize(passes: passes) }
      #expect(failure?.kind == kind && failure?.message.contains(text) == true, "\(failure?.message ?? "")")
    }
    let encoder = try #require(TrainerTests.encoder)
    let flows = try Self.fitted(TrainerTests.options)
    let gaussian = try Self.fitted(Self.gaussianOptions(), calibrated: false)
    try refused(.state, "there is no detector yet", encoder, TrainerTests.options)
    try refused(.state, "one of 8 bits already", try Self.fitted(TrainerTests.options, precision: .int8))
    try refused(.unsupported, "passes do not train a Gaussian", gaussian, passes: 1)
    try refused(.state, "no frame was added", flows, frames: 0)
    try refused(.state, "one frame is not enough", flows, frames: 1)
    try refused(.invalidArgument, "passes", flows, passes: 10_001)
    var options = TrainingOptions()
    options.learningRate = 1e-3
    try refused(.invalidArgument, "without passes: learning rate", flows, options)
    options.metaEpochs = 3
    try refused(.invalidArgument, "with a number of passes: meta epochs", flows, options, passes: 1)
    options = TrainingOptions()
    options.preset = .best
    try refused(.invalidArgument, "preset", gaussian, options)

    let trainer = try Trainer(flows, options: TrainingOptions())
    for index in 0..<3 { try TrainerTests.add(index + 40, to: trainer, role: .training) }
    var reports = 0
    let failure = #expect(throws: Failure.self) {
      try trainer.quantize { progress in
        reports += 1
        return progress.stage == .encode
      }
    }
    #expect(failure?.kind == .cancelled && reports == 1)
    #expect(throws: Failure.self) { try trainer.calibrate() }
  }

  @Test func aTrainerIsUsedOnce() throws {
    let trainer = try Trainer(Self.fitted(TrainerTests.options), options: TrainingOptions())
    for index in 0..<3 { try TrainerTests.add(index + 40, to: trainer, role: .training) }
    try trainer.quantize()
    for again in [{ try trainer.fit() }, { try trainer.quantize() }] {
      let failure = #expect(throws: Failure.self, performing: again)
      #expect(failure?.message == "the trainer was fitted already")
    }
    #expect(throws: Failure.self) { try TrainerTests.add(50, to: trainer, role: .training) }
  }
}
