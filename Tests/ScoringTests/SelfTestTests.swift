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
    let likelihoods = (0..<scorer.detector.positionCount).map { scorer.likelihoods.logLikelihoods[$0] }
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
