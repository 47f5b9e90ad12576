import Basics
import Encoders
import Flows
import Imaging
import Scoring
import Support
import Synchronization
import Testing

@testable import Training

struct TrainerTests {
  /// EfficientNet-Lite0 with generated weights, without flows.
  static let encoder: DetectorContents? = {
    guard let detector = try? DetectorFixture.load().detectors.first(where: { $0.case == "lite0" }),
      var contents = try? detector.contents()
    else { return nil }
    contents.flow = nil
    contents.flowWeights = []
    contents.calibration = nil
    contents.encoderWeights["classifier.weight"] = try? Tensor(shape: [2], values: [1, 2])
    return contents
  }()

  static let options: TrainingOptions = {
    var options = small(blocks: 2)
    options.metaEpochs = 2
    options.subEpochs = 2
    options.warmupEpochs = 1
    options.imageBatch = 3
    options.fiberBatch = 16
    options.learningRate = 1e-2
    options.seed = 9
    return options
  }()

  /// For a small input, two levels and few conditions.
  static func small(blocks: Int) -> TrainingOptions {
    var options = TrainingOptions()
    options.levelCount = 2
    if let preprocessing = try? Preprocessing(width: 64, height: 64) { options.preprocessing = preprocessing }
    if let flow = try? FlowDescription(blockCount: blocks, conditionChannels: 8) { options.flow = flow }
    return options
  }

  /// A trainer with `count` frames of coloured squares to train on.
  static func trainer(_ options: TrainingOptions = options, frames count: Int = 8) throws -> Trainer {
    let trainer = try Trainer(#require(Self.encoder), options: options)
    for index in 0..<count { try add(index, to: trainer, role: .training) }
    return trainer
  }

  private func trainer(_ options: TrainingOptions = options, frames count: Int = 8) throws -> Trainer {
    try Self.trainer(options, frames: count)
  }

  private func add(_ index: Int, to trainer: Trainer, role: FrameRole) throws {
    try Self.add(index, to: trainer, role: role)
  }

  static func add(_ index: Int, to trainer: Trainer, role: FrameRole) throws {
    let pixels = Generated.unit("trainer/\(index)", count: 80 * 60 * 3).map { UInt8(128 + 100 * $0) }
    try pixels.withUnsafeBufferPointer { pixels in
      let base = try #require(pixels.baseAddress)
      try trainer.add(
        Frame(base: base, width: 80, height: 60, stride: 240, format: .rgb8), role: role, name: "\(index).png")
    }
  }

  @Test func aRunIsReproducible() throws {
    func run(seed: UInt64) throws -> DetectorContents {
      var options = Self.options
      options.seed = seed
      let trainer = try trainer(options)
      try trainer.fit()
      try trainer.calibrate()
      return try trainer.contents
    }
    let first = try run(seed: 9)
    let second = try run(seed: 9)
    #expect(first.flowWeights == second.flowWeights)
    #expect(first.calibration == second.calibration)
    #expect(first.flowWeights != (try run(seed: 10).flowWeights))

    #expect(first.encoder.taps.count == 2)
    #expect(first.preprocessing.width == 64)
    #expect(first.encoderWeights["classifier.weight"] == nil)
    #expect(first.calibration?.scores.count == 1)
    #expect(first.provenance["training"]?.contains("7 frames") == true)
    _ = try FrameScorer(Detector(first))
  }

  @Test func aRunGoesOnFromEveryState() throws {
    let memory = StateMemory()
    let whole = try trainer()
    whole.checkpoint = memory
    var observed: [Int] = []
    var last: DetectorContents?
    try whole.fit(observer: { metaEpoch, contents in
      observed.append(metaEpoch)
      last = contents
    })
    #expect(observed == [0, 1])
    #expect(last?.flowWeights == (try whole.contents.flowWeights))
    let states = memory.states
    #expect(states.last?.passes == 4)
    for count in states.indices {
      memory.states = Array(states[...count])
      let trainer = try trainer()
      trainer.checkpoint = memory
      var metaEpochs: [Int] = []
      try trainer.fit(observer: { metaEpoch, _ in metaEpochs.append(metaEpoch) })
      #expect(try trainer.contents.flowWeights == whole.contents.flowWeights)
      #expect(metaEpochs == Array((states[count].passes / 2)..<2))
    }
  }

  @Test func theCacheChangesNothing() throws {
    var weights: [[StateDictionary]] = []
    // None, one frame's features (4 x 4 x 112 and 2 x 2 x 192 floats) and a half, all.
    for bytes in [0, 4 * 3840, 1 << 20] {
      var options = Self.options
      options.rotationDegrees = 0
      options.featureCacheBytes = bytes
      let trainer = try trainer(options)
      try trainer.fit()
      weights.append(try trainer.contents.flowWeights)
    }
    #expect(weights[0] == weights[1])
    #expect(weights[0] == weights[2])
  }

  @Test func progressIsReported() throws {
    let reports = Mutex<[TrainingProgress]>([])
    var options = Self.options
    options.rotationDegrees = 0
    let trainer = try trainer(options)
    let handler: TrainingProgress.Handler = { report in
      reports.withLock { $0.append(report) }
      return false
    }
    try trainer.fit(handler)
    try trainer.calibrate(handler)
    let all = reports.withLock { $0 }
    let encode = all.filter { $0.stage == .encode }
    #expect(encode.last?.done == 7)
    #expect(encode.last?.total == 7)
    // 7 frames in batches of 3: one is dropped; 4 passes.
    let passes = all.filter { $0.stage == .fit && $0.done % 6 == 0 && $0.done > 0 && $0.epoch == $0.done / 6 }
    #expect(passes.map(\.epoch) == [1, 2, 3, 4])
    #expect(passes.allSatisfy { $0.total == 24 && $0.epochs == 4 && $0.loss > 0 && $0.loss.isFinite })
    #expect(passes.map(\.learningRate).allSatisfy { $0 > 0 && $0 <= 1e-2 })
    #expect(try #require(passes.last).loss < passes[0].loss)
    #expect(all.last?.stage == .calibrate)
    // One frame was held back; of it and without it eight strange ones are made.
    #expect(all.last?.done == 9 && all.last?.total == 9)
  }

  @Test func fewFramesAndFewFibersAreOneBatch() throws {
    var options = Self.options
    options.imageBatch = 32
    options.fiberBatch = 4096
    let trainer = try trainer(options, frames: 3)
    let before = trainer.flowWeights
    // Random flows are nothing to save.
    #expect { _ = try trainer.contents } throws: { ($0 as? Failure)?.kind == .state }
    try trainer.fit()
    let after = try trainer.contents.flowWeights
    #expect(before[0] != after[0])
    #expect(before[1] != after[1])
  }

  @Test func framesAreHeldBack() throws {
    var options = Self.options
    options.metaEpochs = 1
    options.subEpochs = 1
    options.warmupEpochs = 0
    for (fraction, count, held) in [(Float(0.25), 8, 2), (0, 3, 1), (0.9, 2, 1), (0.9, 10, 9)] {
      options.calibrationFraction = fraction
      let trainer = try trainer(options, frames: count)
      let all = Set(trainer.frames.training)
      try trainer.fit()
      #expect(trainer.frames.calibration.count == held)
      #expect(trainer.frames.training.count == count - held)
      #expect(Set(trainer.frames.calibration).union(trainer.frames.training) == all)
    }
    let own = try trainer(options, frames: 2)
    try add(7, to: own, role: .calibration)
    try own.fit()
    #expect(own.frames.training.count == 2)
    #expect(own.frames.calibration.count == 1)
  }

  /// Frames of 80 x 60 in tiles of 48 x 40: 2 x 2 of them, trained on one by one and calibrated together.
  @Test func framesAreCutIntoTiles() throws {
    var options = Self.options
    options.preprocessing = try Preprocessing(
      width: 64, height: 64, tiling: Tiling(width: 48, height: 40, overlap: 8))
    let trainer = try trainer(options, frames: 3)
    for index in 3..<6 { try add(index, to: trainer, role: .calibration) }
    #expect(trainer.frames.training.map(\.pictures.count) == [4, 4, 4])
    try trainer.fit()
    try trainer.calibrate()
    let contents = try trainer.contents
    #expect(contents.preprocessing.tiling == options.preprocessing.tiling)

    let session = try FrameScorer(Detector(contents))
    #expect(contents.calibration?.scores.count == 3)
    for (index, expected) in (contents.calibration?.scores ?? []).enumerated() {
      let pixels = Generated.unit("trainer/\(index + 3)", count: 80 * 60 * 3).map { UInt8(128 + 100 * $0) }
      let score = try pixels.withUnsafeBufferPointer { pixels in
        let base = try #require(pixels.baseAddress)
        return try session.score(Frame(base: base, width: 80, height: 60, stride: 240, format: .rgb8)).score
      }
      expectClose(score, expected, within: 1e-5)
    }

    // A detector keeps its tiles when it is calibrated anew.
    let again = try Trainer(contents, options: TrainingOptions())
    for index in 3..<6 { try add(index, to: again, role: .calibration) }
    try again.calibrate()
    #expect(again.calibration?.scores == contents.calibration?.scores)
  }

  @Test func aDefectOnASeamIsFound() throws {
    var options = Self.options
    options.metaEpochs = 4
    options.levelCount = 3
    options.preprocessing = try Preprocessing(
      width: 64, height: 64, tiling: Tiling(width: 64, height: 64, overlap: 16))
    let trainer = try Trainer(#require(Self.encoder), options: options)
    let (width, height) = (160, 64)
    func frame(_ index: Int) -> [UInt8] {
      Generated.unit("seam/\(index)", count: width * height * 3).map { UInt8(128 + 20 * $0) }
    }
    func withFrame(_ pixels: [UInt8], _ body: (Frame) throws -> Void) throws {
      try pixels.withUnsafeBufferPointer { pixels in
        try body(
          Frame(base: #require(pixels.baseAddress), width: width, height: height, stride: 3 * width, format: .rgb8))
      }
    }
    for index in 0..<9 {
      try withFrame(frame(index)) { try trainer.add($0, role: index < 6 ? .training : .calibration) }
    }
    try trainer.fit()
    try trainer.calibrate()

    // Tiles begin at 0, 48 and 96: the first two share 48 to 64.
    let (left, top, side) = (50, 26, 12)
    var pixels = frame(9)
    for y in top..<top + side {
      for x in 3 * left..<3 * (left + side) { pixels[y * 3 * width + x] = 255 }
    }
    let detector = try Detector(trainer.contents)
    let session = try FrameScorer(detector)
    var request = FrameRequest()
    request.wantsFrameMap = true
    var peak = 0
    try withFrame(pixels) { frame in
      let result = try session.score(frame, request)
      #expect(result.score > detector.calibration?.scores.max() ?? .infinity)
      let map = try #require(result.frameMap)
      peak = (0..<width * height).reduce(0) { map[$1] > map[$0] ? $1 : $0 }
    }
    #expect(abs(peak % width - (left + side / 2)) <= 16 && abs(peak / width - (top + side / 2)) <= 16)
  }

  @Test func calibrationFramesAreNeverTrainedOn() throws {
    let trainer = try trainer(frames: 3)
    try add(7, to: trainer, role: .calibration)
    try add(2, to: trainer, role: .calibration)
    let failure = #expect(throws: Failure.self) { try trainer.fit() }
    #expect(failure?.kind == .state)
    #expect(failure?.message == "calibration frame 1 is also one to train on")
  }

  /// By the model file's contents, whatever the trainer.
  @Test func aDetectorKnowsWhatItWasTrainedOn() throws {
    var options = Self.options
    options.metaEpochs = 1
    options.warmupEpochs = 0
    let first = try trainer(options, frames: 3)
    try add(7, to: first, role: .calibration)
    try first.fit()
    func refusal(_ index: Int, _ trainer: Trainer, _ role: FrameRole) -> Failure? {
      #expect(throws: Failure.self) { try add(index, to: trainer, role: role) }
    }
    let contents = try first.contents
    #expect(contents.trainedFrames.count == 3)
    for trainer in [first, try Trainer(contents, options: options)] {
      for role in [FrameRole.calibration, .defective] {
        #expect(refusal(2, trainer, role)?.kind == .state)
        #expect(refusal(2, trainer, role)?.message.contains("was trained on this frame") == true)
      }
      try add(7, to: trainer, role: .calibration)
      try add(8, to: trainer, role: .defective)
      try trainer.calibrate()
    }

    // A further training adds its own.
    let second = try Trainer(contents, options: options)
    for index in [1, 2, 3] { try add(index, to: second, role: .training) }
    try add(9, to: second, role: .calibration)
    try second.fit()
    #expect(try second.contents.trainedFrames.count == 4)
    for index in 0..<4 { #expect(refusal(index, second, .calibration) != nil) }

    // A file of before it was kept.
    var older = contents
    older.trainedFrames = []
    let trainer = try Trainer(older, options: options)
    try add(2, to: trainer, role: .calibration)
  }

  @Test func onlyFramesThatNoTrainingHasSeenAreHeldBack() throws {
    var options = Self.options
    options.metaEpochs = 1
    options.warmupEpochs = 0
    options.calibrationFraction = 0.5
    // Of a frame that is there several times, one stays.
    let copies = try trainer(options, frames: 3)
    for index in [0, 1, 2, 2] { try add(index, to: copies, role: .training) }
    try copies.fit()
    #expect(copies.frames.calibration.count == 2)
    #expect(Set(copies.frames.calibration).count == 2)
    #expect(Set(copies.frames.calibration).isDisjoint(with: copies.frames.training))
    #expect(Set(copies.frames.training).count == 1)

    let first = try trainer(options, frames: 2)
    try add(7, to: first, role: .calibration)
    try first.fit()
    let again = try Trainer(first.contents, options: options)
    for index in 0..<2 { try add(index, to: again, role: .training) }
    #expect(#expect(throws: Failure.self) { try again.fit() }?.message.contains("none can be held back") == true)
    try add(5, to: again, role: .training)
    let new = again.frames.training[2]
    try again.fit()
    #expect(again.frames.calibration == [new])
  }

  @Test func defectiveFramesAreNeverTrainedOn() throws {
    let trainer = try trainer(frames: 3)
    try add(0, to: trainer, role: .defective)
    #expect(
      #expect(throws: Failure.self) { try trainer.fit() }?.message == "defective frame 0 is also one to train on")
  }

  @Test func defectiveFramesChooseTheThreshold() throws {
    let contents = try #require(DetectorFixture.load().detectors.first { $0.case == "lite0" }).contents()
    var options = Self.options
    options.calibration.reviewRate = 0.4
    func calibration(_ rule: ThresholdRule, defective: Int?) throws -> Calibration {
      options.calibration.rule = rule
      let trainer = try Trainer(contents, options: options)
      for index in 0..<5 { try add(index, to: trainer, role: .calibration) }
      if let defective { try add(defective, to: trainer, role: .defective) }
      try trainer.calibrate()
      return try #require(trainer.calibration)
    }
    let good = try calibration(.conformal, defective: nil)
    #expect(good.threshold == good.scores.max())
    // ceil(6 * 0.6) = 4th of 5.
    #expect(good.reviewThreshold == good.scores.sorted()[3])
    // A defective frame leaves everything but the choice as it is.
    let same = try calibration(.conformal, defective: 9)
    #expect(same.threshold == good.threshold && same.scores == good.scores && same.mapScale == good.mapScale)
    #expect(same.defectiveScores.count == 1)
    let best = try calibration(.bestF1, defective: 9)
    #expect(best.threshold < best.defectiveScores[0])
    #expect(#expect(throws: Failure.self) { try calibration(.bestF1, defective: nil) }?.kind == .state)
  }

  /// What a briefly trained detector passes, it says: a black frame has a higher likelihood than any good one.
  /// What the advice is made from: counts, the frame that set the threshold, and how much more frames helped.
  @Test func whatAdviceNeedsIsKept() throws {
    var options = Self.options
    let paper = try trainer(options)
    try paper.fit()
    #expect(try paper.contents.fit == FitSummary(givenCount: 8, fittedCount: 7))

    options = TrainingOptions()
    (options.preprocessing, options.levelCount) = (try Preprocessing(width: 64, height: 64), 2)
    let trainer = try Trainer(#require(Self.encoder), options: options)
    for index in 0..<20 { try add(index, to: trainer, role: .training) }
    try trainer.fit()
    try trainer.calibrate()
    let contents = try trainer.contents
    let fit = try #require(contents.fit)
    let curve = try #require(fit.curve)
    #expect(fit.givenCount == 20 && fit.fittedCount == 18 && fit.couplingGains.isEmpty)
    #expect(curve.halfCount == 7 && curve.fullCount == 14 && curve.full.count == 2)
    // Squares of random colours: every frame more is of use.
    #expect(curve.gain > 0)
    let calibration = try #require(contents.calibration)
    let setter = try #require(calibration.thresholdFrame)
    #expect(calibration.scores.count == 2 && setter.name == "\(setter.index).png" && setter.index < 20)
    #expect(calibration.wantedRate == Double(Float(0.01)) && calibration.levelMeans.count == 2)
    #expect(calibration.levelMeans.allSatisfy { $0 > 0 && $0 <= 1 })
    // The frame it names is the one that scores so.
    let session = try FrameScorer(Detector(contents))
    let pixels = Generated.unit("trainer/\(setter.index)", count: 80 * 60 * 3).map { UInt8(128 + 100 * $0) }
    let score = try pixels.withUnsafeBufferPointer { pixels in
      try session.score(
        Frame(base: #require(pixels.baseAddress), width: 80, height: 60, stride: 240, format: .rgb8)
      ).score
    }
    #expect(score == calibration.threshold)

    // Calibrated anew: the fit's part stays, the other is that of the new frames.
    let again = try Trainer(contents, options: options)
    for index in 30..<35 { try add(index, to: again, role: .calibration) }
    try again.calibrate()
    let later = try again.contents
    #expect(later.fit == fit)
    let latest = try #require(later.calibration)
    let second = try #require(latest.thresholdFrame)
    #expect(second.name == "\(30 + second.index).png" && latest.scores[second.index] == latest.threshold)

    // Too few frames for a curve; and tiles of one frame are on one side.
    let few = try Trainer(#require(Self.encoder), options: options)
    for index in 0..<7 { try add(index, to: few, role: .training) }
    try few.fit(holdsBack: false)
    #expect(try few.contents.fit == FitSummary(givenCount: 7, fittedCount: 7))
    options.preprocessing = try Preprocessing(
      width: 64, height: 64, tiling: Tiling(width: 48, height: 40, overlap: 8))
    let tiled = try Trainer(#require(Self.encoder), options: options)
    for index in 0..<8 { try add(index, to: tiled, role: .training) }
    try tiled.fit(holdsBack: false)
    #expect(try tiled.contents.fit?.curve?.fullCount == 6)
  }

  @Test func whatPassesThoughItShouldNotIsKept() throws {
    let contents = try #require(DetectorFixture.load().detectors.first { $0.case == "lite0" }).contents()
    func calibrated(_ verdict: Verdict, tiling: Tiling? = nil) throws -> DetectorContents {
      var options = Self.options
      options.calibration.lowVerdict = verdict
      var contents = contents
      let input = contents.preprocessing
      contents.preprocessing = try Preprocessing(
        width: input.width, height: input.height, mean: input.mean, standardDeviation: input.standardDeviation,
        tiling: tiling)
      let trainer = try Trainer(contents, options: options)
      for index in 0..<5 { try add(index, to: trainer, role: .calibration) }
      try trainer.calibrate()
      return try trainer.contents
    }
    for tiling in [nil, try Tiling(width: 48, height: 40, overlap: 8)] {
      let plain = try calibrated(.pass, tiling: tiling)
      let calibration = try #require(plain.calibration)
      #expect(calibration.lowSide == nil && calibration.triedKinds == StrangeFrame.allCases)
      let counts = StrangeFrame.allCases.map { calibration.strangeScores[$0, default: []].count }
      #expect(counts == [1, 1, 1, 1, 3, 3, 3, 3])
      #expect(StrangeFrame.allCases.map { calibration.strangeMeans[$0, default: []].count } == counts)
      #expect(calibration.meanThreshold == nil)
      // By the path that scores a camera's frames.
      let session = try FrameScorer(Detector(plain))
      for (kind, value) in [(StrangeFrame.black, UInt8(0)), (.white, 255), (.gray, 128)] {
        let result = try [UInt8](repeating: value, count: 80 * 60 * 3).withUnsafeBufferPointer { pixels in
          let base = try #require(pixels.baseAddress)
          return try session.score(Frame(base: base, width: 80, height: 60, stride: 240, format: .rgb8))
        }
        #expect(calibration.strangeScores[kind] == [result.score] && calibration.strangeMeans[kind] == [result.mapMean])
        #expect(calibration.verdicts(kind) == [result.verdict])
      }

      // The verdict about low scores changes nothing else.
      let lowest = try #require(calibration.scores.min())
      for verdict in [Verdict.review, .reject] {
        let strict = try #require(calibrated(verdict, tiling: tiling).calibration)
        #expect(strict.lowSide == LowSide(threshold: lowest, verdict: verdict))
        #expect(strict.scores == calibration.scores && strict.strangeScores == calibration.strangeScores)
        #expect(strict.promisedRate(below: lowest) == 1.0 / 6)
        for kind in strict.passedKinds { #expect(strict.strangeScores[kind]?.contains { $0 >= lowest } == true) }
      }
    }
    // What the advice needs.
    #expect(try calibrated(.pass).fit == nil)
    #expect(CalibrationOptions().lowVerdict == .review && CalibrationOptions().lowRate == 0.01)
    for rate in [-0.1, 0.6, Float.nan] {
      var options = Self.options
      options.calibration.lowRate = rate
      #expect(#expect(throws: Failure.self) { try Trainer(contents, options: options) }?.kind == .invalidArgument)
    }
  }

  /// Stopped while strange frames are tried, the trainer is as before.
  @Test func cancellingTheTrialOfStrangeFramesLeavesTheTrainer() throws {
    let trainer = try trainer()
    try trainer.fit()
    let failure = #expect(throws: Failure.self) { try trainer.calibrate { $0.done == $0.total } }
    #expect(failure?.kind == .cancelled && trainer.calibration == nil)
    try trainer.calibrate()
    #expect(trainer.calibration?.triedKinds.count == StrangeFrame.allCases.count)
  }

  @Test func cancelling() throws {
    let trainer = try trainer()
    let failure = #expect(throws: Failure.self) { try trainer.fit { _ in true } }
    #expect(failure?.kind == .cancelled)
    #expect(#expect(throws: Failure.self) { try trainer.fit() }?.kind == .state)
    #expect(#expect(throws: Failure.self) { try trainer.calibrate() }?.kind == .state)
    #expect(throws: Failure.self) { try trainer.contents }
    #expect(throws: Failure.self) { try add(1, to: trainer, role: .training) }
  }

  @Test func cancellingACalibrationLeavesTheTrainer() throws {
    let trainer = try trainer()
    try trainer.fit()
    #expect(#expect(throws: Failure.self) { try trainer.calibrate { _ in true } }?.kind == .cancelled)
    #expect(trainer.calibration == nil)
    try trainer.calibrate()
    #expect(trainer.calibration != nil)
  }

  @Test func divergingSaysWhere() throws {
    var contents = try #require(Self.encoder)
    contents.encoder = EncoderDescription(
      architecture: contents.encoder.architecture, padding: contents.encoder.padding,
      taps: Array(contents.encoder.taps.suffix(2)))
    contents.flow = try Self.options.flowDescription
    contents.flowWeights = try [112, 192].map {
      try Generated.flowWeights("diverging/", channels: $0, Self.options.flowDescription)
    }
    let offset = try Tensor(shape: [1, 192], values: [Float](repeating: 1e30, count: 192))
    contents.flowWeights[1]["module_list.0.global_offset"] = offset
    let trainer = try Trainer(contents, options: Self.options)
    for index in 0..<4 { try add(index, to: trainer, role: .training) }
    let failure = #expect(throws: Failure.self) { try trainer.fit() }
    #expect(failure?.kind == .diverged)
    #expect(failure?.message.contains("meta epoch 0, sub-epoch 0, batch 0, level 1") == true)
    #expect(failure?.message.contains("coupling block") == true)
  }

  @Test func aDetectorGoesOn() throws {
    var contents = try #require(DetectorFixture.load().detectors.first { $0.case == "lite0" }).contents()
    contents.calibration = nil
    var options = Self.options
    options.preprocessing = try Preprocessing(width: 512, height: 64)
    options.levelCount = 1
    let trainer = try Trainer(contents, options: options)
    #expect(try trainer.contents.flow == contents.flow)
    #expect(try trainer.contents.flowWeights == contents.flowWeights)
    #expect(trainer.preprocessing == contents.preprocessing)
    // Recalibration alone.
    #expect(#expect(throws: Failure.self) { try trainer.calibrate() }?.kind == .state)
    try add(0, to: trainer, role: .calibration)
    try add(1, to: trainer, role: .calibration)
    try trainer.calibrate()
    #expect(trainer.calibration?.levelMaxima.count == 3)
    #expect(trainer.calibration?.scores.count == 2)
  }

  @Test func callsOutOfOrder() throws {
    let empty = try trainer(frames: 0)
    #expect(#expect(throws: Failure.self) { try empty.fit() }?.kind == .state)
    #expect(#expect(throws: Failure.self) { try empty.calibrate() }?.kind == .state)
    let single = try trainer(frames: 1)
    #expect(#expect(throws: Failure.self) { try single.fit() }?.kind == .state)
    let done = try trainer(frames: 2)
    try done.fit()
    #expect(#expect(throws: Failure.self) { try done.fit() }?.kind == .state)
    #expect(#expect(throws: Failure.self) { try add(5, to: done, role: .training) }?.kind == .state)
  }
}
