import Basics
import Encoders
import Imaging
import Support
import Testing

@testable import Scoring

struct SelfTestTests {
  private func contents(_ name: String = "lite0") throws -> DetectorContents {
    try #require(try DetectorFixture.load().detectors.first { $0.case == name }).contents()
  }

  private func tested(_ contents: DetectorContents) throws -> DetectorContents {
    var contents = contents
    contents.selfTest = try SelfTest(by: FrameScorer(Detector(contents), threadCount: 1))
    return contents
  }

  @Test func everyDetectorComputesTheSameAgain() throws {
    for fixture in try DetectorFixture.load().detectors {
      let contents = try tested(fixture.contents())
      let detector = try Detector(contents)
      let found = try detector.verify()
      #expect(found.passes && found.largestError == 0, "\(fixture.case): \(found)")
      #expect(found.valueCount == detector.levels.reduce(0) { $0 + min($1.positions, 1024) })
      #expect(found.score == found.expectedScore && found.score.isFinite)
    }
  }

  /// As docs/model-format.md says: the frame by its formula, the values by their places.
  @Test func valuesAreThoseOfTheFrame() throws {
    let contents = try contents()
    let scorer = try FrameScorer(Detector(contents))
    var pixels: [UInt8] = []
    for y in 0..<32 {
      for x in 0..<32 {
        for c in 0..<3 { pixels.append(UInt8(96 + (3 * x * x + 5 * y * y + 7 * x * y + 29 * c * (x + 2 * y)) % 64)) }
      }
    }
    let score = try pixels.withUnsafeBufferPointer { pixels in
      try scorer.score(
        Frame(base: #require(pixels.baseAddress), width: 32, height: 32, stride: 96, format: .rgb8)
      ).score
    }
    let test = try SelfTest(by: FrameScorer(Detector(contents)))
    #expect(test.score == score)
    let likelihoods = (0..<scorer.detector.positionCount).map { scorer.logLikelihoods[$0] }
    #expect(Array(test.levels.joined()) == likelihoods)
  }

  @Test func changesAreNoticed() throws {
    let good = try tested(contents())
    // The highest bit of an exponent, in a weight of the encoder and in one of the last flow.
    func changed(_ dictionary: inout StateDictionary, _ key: String) throws {
      let tensor = try #require(dictionary[key])
      var values = try tensor.values
      let index = try #require(values.firstIndex { abs($0) > 1e-3 && abs($0) < 1 })
      values[index] = Float(bitPattern: values[index].bitPattern ^ 1 << 30)
      dictionary[key] = try Tensor(shape: tensor.shape, values: values)
    }
    var encoder = good
    try changed(
      &encoder.encoderWeights,
      #require(good.encoderWeights.keys.first { good.encoderWeights[$0]?.shape.count == 4 }))
    var flow = good
    try changed(&flow.flowWeights[flow.flowWeights.count - 1], "module_list.0.subnet.2.weight")
    var constant = good
    let calibration = try #require(good.calibration)
    constant.calibration = try Calibration(
      levelMaxima: calibration.levelMaxima, total: calibration.total + 0.5, threshold: calibration.threshold,
      scores: calibration.scores)
    for contents in [encoder, flow, constant] {
      let found = try Detector(contents).verify()
      #expect(!found.passes && found.text.hasSuffix("the model computes other numbers than when it was made"))
    }
    // A network whose numbers are none any more.
    var diverged = good
    let key = "module_list.0.subnet.2.weight"
    let tensor = try #require(good.flowWeights[0][key])
    diverged.flowWeights[0][key] = try Tensor(shape: tensor.shape, values: tensor.values.map { _ in 3e38 })
    let found = try Detector(diverged).verify()
    #expect(!found.passes && found.largestError == .infinity && found.score.isNaN && !found.expectedScore.isNaN)
    var broken = good
    let values = try #require(good.selfTest)
    broken.selfTest = try SelfTest(levels: [[0]], score: nil)
    #expect(throws: Failure.self) { try Detector(broken).verify() }
    broken.selfTest = nil
    let failure = #expect(throws: Failure.self) { try Detector(broken).verify() }
    #expect(failure?.kind == .noSelfTest)
    // Detectors without constants have no score to compare.
    broken.calibration = nil
    broken.selfTest = try SelfTest(levels: values.levels, score: nil)
    #expect(try Detector(broken).verify().passes)
  }

  /// In float32 a value may be off by 2e-4 of itself, or of 1; in 8 bits by nothing.
  @Test(arguments: [Precision.float32, .int8]) func tolerances(_ precision: Precision) throws {
    var good = try contents()
    if precision == .int8 {
      let fixture = try #require(QuantizedFixture.all)
      let encoder = try #require(fixture.encoders.first)
      good = try GoldenTests.contents(
        encoder.architecture, encoder.padding, precision: .int8, encoder.source, width: fixture.width,
        height: fixture.height, flow: "couplings")
    }
    // With a score far above 1.
    let maxima = good.calibration?.levelMaxima ?? good.flowWeights.map { _ in 0.0 }
    good.calibration = try Calibration(levelMaxima: maxima, total: 30, threshold: 1, scores: [1])
    good = try tested(good)
    let test = try #require(good.selfTest)
    let score = try #require(test.score)
    #expect(score > 10)
    func verified(_ change: (Float) -> Float, score: Float?) throws -> Verification {
      var contents = good
      var levels = test.levels
      levels[1][2] = change(levels[1][2])
      contents.selfTest = try SelfTest(levels: levels, score: score)
      return try Detector(contents).verify()
    }
    for (error, passes) in [(0, true), (1.8e-4, precision == .float32), (2.2e-4, false)] as [(Float, Bool)] {
      for sign in [-1, 1] as [Float] {
        let found = try verified({ $0 + sign * error * max(1, abs($0)) }, score: score)
        #expect(found.passes == passes)
        expectClose(found.largestError, Double(error), within: 1e-6)
        #expect(try verified({ $0 }, score: score + sign * error * max(1, abs(score))).passes == passes)
      }
    }
    let missing = try verified({ $0 }, score: nil)
    #expect(!missing.passes && missing.expectedScore.isNaN && !missing.text.contains("score"))
    let other = try verified({ $0 }, score: score + 1)
    #expect(other.text.contains(", and the score is \(score) where \(score + 1) was: the"))
  }

  @Test func tilesAndRegions() throws {
    var contents = try contents()
    contents.preprocessing = try Preprocessing(
      width: contents.preprocessing.width, height: contents.preprocessing.height,
      tiling: Tiling(width: 40, height: 36, overlap: 4))
    #expect(try tested(contents).selfTest?.score != nil)
    var calibration = try #require(contents.calibration)
    calibration.regionOfInterest = try RegionOfInterest(width: 3, height: 1, mask: [0, 0, 1])
    contents.calibration = calibration
    let detector = try Detector(contents)
    #expect(!SelfTest.hasScore(detector))
    contents.selfTest = try SelfTest(by: FrameScorer(Detector(detector, calibration: nil)))
    let found = try Detector(contents).verify()
    #expect(found.passes && found.score.isNaN)
  }

  @Test func valuesThatAreNoneAreRefused() throws {
    for levels in [[[Float.nan]], [[]], [[Float](repeating: 0, count: 1025)]] {
      #expect(throws: Failure.self) { try SelfTest(levels: levels, score: nil) }
    }
    #expect(throws: Failure.self) { try SelfTest(levels: [[0]], score: .infinity) }
  }

  /// Not the order of tensors, nor where their values are, but each value, shape and name counts.
  @Test func identities() throws {
    var contents = try contents()
    #expect(contents.identity == nil)
    let digest = try contents.computedWeightsDigest()
    // As docs/model-format.md says.
    var lines: [String] = []
    for (group, tensors) in [("encoder", contents.encoderWeights)]
      + contents.flowWeights.enumerated().map({ ("flow/\($0)", $1) })
    {
      for (key, tensor) in tensors.tensors where !key.hasSuffix("w_perm_inv") {
        let shape = tensor.shape.isEmpty ? "-" : tensor.shape.map(String.init).joined(separator: "x")
        var sum = SHA256()
        try tensor.values.withUnsafeBytes { sum.add($0) }
        lines.append("\(group)/\(key) \(shape) \(sum.text)\n")
      }
    }
    #expect(
      digest == SHA256.text(of: lines.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }.joined()))
    contents.weightsDigest = digest
    let identity = try #require(contents.identity)
    #expect(try Detector(contents).identity == identity && identity.utf8.count == 64)
    contents.provenance["name"] = "another"
    contents.selfTest = try SelfTest(levels: [[0], [0], [0]], score: 1)
    #expect(contents.identity == identity)
    // A change of weights makes the digest unknown.
    let key = try #require(contents.flowWeights[0].keys.first)
    let tensor = contents.flowWeights[0][key]
    contents.flowWeights[0][key] = nil
    #expect(contents.weightsDigest == nil)
    #expect(try contents.computedWeightsDigest() != digest)
    contents.flowWeights[0][key] = tensor
    #expect(try contents.computedWeightsDigest() == digest)
    try contents.load()
    #expect(try contents.computedWeightsDigest() == digest)
  }
}
