import Basics
import Flows
import Imaging
import Kernels
import Layers
import Segmentation
import Support
import Testing

@testable import Encoders
@testable import Scoring

/// The bits of calibrated detectors, from pixels to regions: see ``Golden``.
@Suite(.serialized) struct GoldenTests {
  /// Every architecture at the size of its first fixture, once with coupling blocks at the original system's taps, and once
  /// with a Gaussian start behind the residuals.
  @Test(arguments: EncoderFixture.all)
  func encoder(fixture: EncoderFixture) throws {
    let size = try #require(fixture.cases.first)
    try Golden.expect("\(fixture.architecture)/\(fixture.padding)/\(size.width)x\(size.height)") {
      try ["couplings", "gaussian"].flatMap { flow in
        let contents = try Self.contents(fixture, width: size.width, height: size.height, flow: flow)
        return try Self.results(contents, CalibrationOptions(), flow)
      }
    }
  }

  /// Encoders of 8 bits: all builds, threads and neighbours in a batch give the same bits.
  @Test(arguments: QuantizedFixture.all?.encoders ?? [])
  func quantized(fixture: QuantizedFixture.Case) throws {
    let size = try #require(QuantizedFixture.all)
    try Golden.expect(Self.name(fixture), isOfEveryBuild: true) {
      try ["couplings", "gaussian"].flatMap { flow in
        let contents = try Self.contents(
          fixture.architecture, fixture.padding, precision: .int8, fixture.source, width: size.width,
          height: size.height, flow: flow)
        var options = CalibrationOptions()
        options.smoothing = flow == "gaussian" ? 2 : nil
        let results = try Self.results(contents, options, flow, threads: 1)
        let others = try Self.results(contents, options, flow, threads: 2, isInBatch: true)
        #expect(results.map(\.bits) == others.map(\.bits))
        return results
      }
    }
  }

  private static func name(_ fixture: QuantizedFixture.Case) -> String {
    "\(fixture.architecture)/\(fixture.padding)/int8"
  }

  /// Frames in tiles, within a region of interest, with a smoothed map.
  @Test func tiles() throws {
    let fixture = try #require(EncoderFixture.all.first { $0.architecture == "efficientnet_lite0" })
    try Golden.expect("tiles") {
      let tiling = try Tiling(width: 72, height: 64, overlap: 16)
      let contents = try Self.contents(fixture, width: 96, height: 64, flow: "couplings", tiling: tiling)
      let tiles = contents.preprocessing.tiles(frameWidth: Self.frameWidth, frameHeight: Self.frameHeight)
      var options = CalibrationOptions()
      options.regionOfInterest = try RegionOfInterest(
        tiles, rectangles: [.init(x: 10, y: 7, width: 90, height: 60), .init(x: 60, y: 50, width: 81, height: 50)])
      options.smoothing = 2.5
      return try Self.results(contents, options, "tiles")
    }
  }

  /// No line of a case that is gone.
  @Test func everyLineHasACase() throws {
    if Golden.isRecording { try Test.cancel("the lines are being written") }
    let names = EncoderFixture.all.flatMap { fixture in
      fixture.cases.prefix(1).map { "\(fixture.architecture)/\(fixture.padding)/\($0.width)x\($0.height)" }
    }
    let quantized = QuantizedFixture.all?.encoders.map(Self.name) ?? []
    #expect(Golden.names == Set(names + quantized + ["tiles", "paper-training", "gaussian-training"]))
  }

  private static let frameWidth = 150
  private static let frameHeight = 110

  private static func contents(
    _ fixture: EncoderFixture, width: Int, height: Int, flow: String, tiling: Tiling? = nil
  ) throws -> DetectorContents {
    try contents(
      fixture.architecture, fixture.padding, fixture.weights, width: width, height: height, flow: flow, tiling: tiling)
  }

  /// - Parameter source: gives the encoder's weights.
  static func contents(
    _ architecture: String, _ padding: String, precision: Precision = .float32,
    _ source: (String, [Int]) throws(Failure) -> Weights, width: Int, height: Int, flow: String, tiling: Tiling? = nil
  ) throws -> DetectorContents {
    let isGaussian = flow == "gaussian"
    let taps = try Encoder.taps(architecture: architecture)
    let encoder = EncoderDescription(
      architecture: architecture, padding: try #require(Padding(rawValue: padding)),
      taps: isGaussian ? try Encoder.residualTaps(architecture: architecture) ?? taps : taps, precision: precision)
    var contents = DetectorContents(
      encoder: encoder,
      preprocessing: try Preprocessing(
        width: width, height: height, mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225],
        tiling: tiling),
      encoderWeights: StateDictionary())
    // What the architecture asks for is noted on the way.
    let built = try Encoder(encoder) { (key, shape) throws(Failure) in
      let weights = try source(key, shape)
      contents.encoderWeights[key] = try Tensor(shape: shape, values: weights.values)
      return weights
    }
    let description =
      isGaussian
      ? try FlowDescription(
        start: .gaussian, blockCount: 1, conditionChannels: 8, permutation: .hard, clamp: .scaledTanh)
      : try FlowDescription(blockCount: 2, conditionChannels: 16)
    contents.flow = description
    for (level, grid) in try built.levelGrids(height: height, width: width).enumerated() {
      let prefix = "\(architecture)/\(level)/"
      var weights = try Generated.flowWeights(prefix, channels: grid.channels, description)
      if isGaussian { try gaussian(prefix, grid).store(in: &weights) }
      contents.flowWeights.append(weights)
    }
    return contents
  }

  /// One of rotated axes, unequal scales, and four directions whose covariances are the positions' own.
  private static func gaussian(_ prefix: String, _ grid: Grid) throws -> GaussianParameters {
    let rank = 4
    let count = GaussianParameters.triangleCount(rank)
    let soft = try FlowDescription(blockCount: 1, conditionChannels: 0)
    let rotation = try #require(
      Generated.flowWeights("\(prefix)gaussian/", channels: grid.channels, soft)["module_list.0.w_perm"])
    var factors = Generated.unit("\(prefix)factors", count: grid.positions * count).map { Float(0.3 * $0) }
    for position in 0..<grid.positions {
      for row in 0..<rank {
        factors[position * count + GaussianParameters.triangleCount(row + 1) - 1] = 0.5 + Float(row + position % 7) / 20
      }
    }
    return try GaussianParameters(
      mean: Generated.unit("\(prefix)mean", count: grid.count).map { Float(0.3 * $0) }, basis: try rotation.values,
      scale: Generated.unit("\(prefix)scale", count: grid.channels).map { Float(0.8 + 0.4 * $0) }, factors: factors,
      rank: rank)
  }

  /// Calibrates with two frames, and scores a third.
  ///
  /// - Parameter isInBatch: whether the same scorer takes the other two first.
  private static func results(
    _ contents: DetectorContents, _ options: CalibrationOptions, _ prefix: String, threads: Int = 2,
    isInBatch: Bool = false
  ) throws -> Golden.Results {
    func withFrame<Result>(_ index: Int, _ body: (Frame) throws -> Result) throws -> Result {
      try Generated.withSquares("golden/\(index)", width: frameWidth, height: frameHeight, body)
    }
    var contents = contents
    let plain = try Detector(contents)
    let plainScorer = try FrameScorer(plain, threadCount: threads)
    var calibrator = Calibrator(plain)
    for index in 0..<2 {
      let frame = try withFrame(index) {
        try PreparedFrame($0, contents.preprocessing, resizer: contents.preprocessing.resizer())
      }
      calibrator.add(try FrameLikelihoods(frame, by: plainScorer))
    }
    var calibration = try calibrator.calibration(options)
    // On record in double precision, while options have a Float.
    try calibration.setWantedRate(0.01)
    contents.calibration = calibration
    let detector = try Detector(contents)
    let scorer = try FrameScorer(
      detector, thresholds: DecisionThresholds(calibration, pixelThreshold: calibration.mapScale.low),
      threadCount: threads)
    let tiles = detector.preprocessing.tiles(frameWidth: frameWidth, frameHeight: frameHeight)
    let map = try FloatBuffer(count: tiles.columns.mapLength * tiles.rows.mapLength)
    let frameMap = try FloatBuffer(count: frameWidth * frameHeight)
    let likelihoods = try FloatBuffer(count: tiles.count * detector.positionCount)
    let features = try FloatBuffer(count: tiles.count * detector.featureCount)
    var request = FrameRequest()
    request.logLikelihoods = .init(likelihoods.base, capacity: likelihoods.count)
    request.features = .init(features.base, capacity: features.count)
    request.map = .init(map.base, capacity: map.count)
    request.frameMap = .init(frameMap.base, capacity: frameMap.count)
    request.regionLimit = 100
    if isInBatch { for index in 0..<2 { _ = try withFrame(index) { try scorer.score($0, request) } } }
    return try withFrame(2) { frame in
      let result = try scorer.score(frame, request)
      let found = try #require(result.regions)
      let regions = found.kept.flatMap {
        [$0.x, $0.y, $0.width, $0.height, $0.area, $0.peakX, $0.peakY].map { Float($0) }
          + [$0.centroidX, $0.centroidY, $0.peak, $0.mean]
      }
      // Of the last tile, where there are several.
      var last = features.base + (tiles.count - 1) * detector.featureCount
      var results = detector.levels.enumerated().map { level, grid in
        defer { last += grid.count }
        return ("\(prefix).features\(level)", Golden.bits(last, count: grid.count))
      }
      results += [
        (
          "\(prefix).likelihoods",
          Golden.bits(
            likelihoods.base + (tiles.count - 1) * detector.positionCount, count: detector.positionCount)
        ),
        ("\(prefix).calibration", Golden.bits(calibration)),
        ("\(prefix).score", Golden.bits(result.score)),
        ("\(prefix).mean", Golden.bits(result.mapMean)),
        ("\(prefix).map", Golden.bits(map.base, count: map.count)),
        ("\(prefix).frame-map", Golden.bits(frameMap.base, count: frameMap.count)),
        ("\(prefix).regions", "\(found.count)," + Golden.bits(regions.map(\.bitPattern))),
      ]
      guard contents.encoder.precision == .int8 else { return results }
      return results + [
        ("\(prefix).p-value", Golden.bits(calibration.pValue(result.score))),
        ("\(prefix).verdict", "\(result.verdict.rawValue)"),
      ]
    }
  }
}
