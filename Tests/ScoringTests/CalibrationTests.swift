import Basics
import Testing

@testable import Scoring

@Suite struct ConformalPromiseTests {
  /// Uniform scores: a threshold t rejects the share 1 - t of good frames, exactly.
  private static func realisedRates(frames: Int, wantedRate: Double, splits: Int) -> [Double] {
    var random = Random(seed: 1, purpose: "splits of uniform scores")
    return (0..<splits).map { _ in
      let scores = (0..<frames).map { _ in Float(random.uniform()) }
      return 1 - Double(Calibrator.conformalThreshold(scores, rate: wantedRate))
    }
  }

  @Test(arguments: [(99, 0.01), (100, 0.05), (30, 0.01), (7, 0.3)]) func aThousandSplitsKeepThePromise(
    frames: Int, wantedRate: Double
  ) {
    let promise = ConformalPromise(frameCount: frames, wantedRate: wantedRate)
    let rates = Self.realisedRates(frames: frames, wantedRate: wantedRate, splits: 1000)
    // The rate is a draw from Beta(a, b): mean a / (a + b), variance a b / ((a + b)^2 (a + b + 1)).
    let a = Double(promise.rejectedRanks)
    let b = Double(frames + 1) - a
    let deviation = (a * b / ((a + b) * (a + b) * (a + b + 1)) / 1000).squareRoot()
    let mean = rates.reduce(0, +) / 1000
    #expect(abs(mean - promise.rate) < 4 * deviation)
    #expect(frames < Int(1 / wantedRate) - 1 || promise.rate <= wantedRate * 1.000001)
    // 950 of 1000 in the binomial band of four deviations.
    let likely = rates.filter { $0 <= promise.likelyRate }.count
    #expect(abs(likely - 950) <= 28)
  }

  @Test func ranksAreThoseOfTheQuantile() {
    // ceil((n + 1)(1 - rate)), also where the rate is not exact in binary.
    for (frames, rate, rank) in [
      (99, 0.01, 99), (100, 0.01, 100), (199, 0.01, 198), (4, 0.4, 3), (9, 0.1, 9), (5, 0.0, 5),
    ] {
      #expect(ConformalPromise(frameCount: frames, wantedRate: Double(Float(rate))).rank == rank, "\(frames), \(rate)")
    }
    #expect(ConformalPromise(frameCount: 3, wantedRate: 1).rank == 1)
    #expect(ConformalPromise(frameCount: 5, wantedRate: 0.01).rate == 1.0 / 6)
  }

  @Test func framesNeededAreTheFewestThatPromise() {
    for rate in [0.5, 0.3, 0.1, 0.01, Double(Float(0.01)), 0.001] {
      let needed = ConformalPromise.framesNeeded(wantedRate: rate) ?? 0
      #expect(ConformalPromise(frameCount: needed, wantedRate: rate).rate <= rate * 1.000001)
      if needed > 1 { #expect(ConformalPromise(frameCount: needed - 1, wantedRate: rate).rate > rate) }
    }
    #expect(ConformalPromise.framesNeeded(wantedRate: 0) == nil)
  }
}

@Suite struct CalibrationTests {
  private func calibration(_ scores: [Float], threshold: Float = 1) throws -> Calibration {
    try Calibration(levelMaxima: [0, 0], total: 2, threshold: threshold, scores: scores)
  }

  @Test func pValuesCountWhatIsAsHigh() throws {
    let calibration = try calibration([0.5, 0.25, 0.5, 1])
    for (score, p) in [(0.1, 1), (0.25, 1), (0.3, 0.8), (0.5, 0.8), (0.75, 0.4), (1, 0.4), (1.1, 0.2)]
      as [(Float, Float)]
    {
      #expect(calibration.pValue(score) == p, "\(score)")
    }
    #expect(try self.calibration([]).pValue(1).isNaN)
    #expect(try self.calibration([]).promisedRate(above: 1).isNaN)
    #expect(calibration.promisedRate(above: 0.5) == 0.4)
    #expect(calibration.promisedRate(above: 0.4) == 0.8)
    #expect(calibration.promisedRate(above: 1) == 0.2)
  }

  @Test func aFrameIsRejectedWhenItsPValueIsWithinTheRate() throws {
    var random = Random(seed: 2, purpose: "scores")
    for frames in [1, 9, 40, 99] {
      let scores = (0..<frames).map { _ in Float(random.uniform()) }
      for rate in [0.5, 0.1, 0.01] {
        let threshold = Calibrator.conformalThreshold(scores, rate: rate)
        let calibration = try calibration(scores, threshold: threshold)
        let promise = ConformalPromise(frameCount: frames, wantedRate: rate)
        #expect(calibration.promisedRate(above: threshold) == promise.rate)
        for _ in 0..<100 {
          let score = Float(random.uniform())
          #expect((score > threshold) == (calibration.pValue(score) <= Float(promise.rate)))
        }
      }
    }
  }

  @Test func judging() throws {
    var calibration = try calibration([0, 1], threshold: 1)
    #expect(Judge(calibration).verdict(1) == .pass)
    #expect(Judge(calibration).verdict(1.5) == .reject)
    // No review threshold: none in between, wherever the session's threshold is.
    #expect(Judge(calibration, threshold: 3).verdict(2) == .pass)
    try calibration.setReviewThreshold(0.5)
    let judge = Judge(calibration)
    #expect([0.5, 0.75, 1, 1.25].map { judge.verdict($0) } == [.pass, .review, .review, .reject])
    #expect(Judge(calibration, threshold: 0.25).verdict(0.3) == .reject)
    #expect(Judge(calibration, threshold: 0.25).reviewThreshold == 0.25)
    #expect(Judge(calibration, reviewThreshold: 0.75).verdict(0.6) == .pass)
    #expect(throws: Failure.self) { try calibration.setReviewThreshold(1.5) }
    #expect(throws: Failure.self) { try calibration.setReviewThreshold(.nan) }
  }

  @Test func thresholdsByDefectiveFrames() {
    let good: [Float] = [1, 2, 3, 4]
    let defective: [Float] = [3.5, 5, 6]
    // Above 3: 3 found, 1 rejected wrongly, F1 6/7; above 4: 2 found, 4/5.
    #expect(ThresholdRule.bestF1.threshold(good: good, defective: defective) == 3.25)
    // Cost of 4.5: miss / 3; of 3.25: 1 / 4.
    #expect(ThresholdRule.lowestCost(miss: 1).threshold(good: good, defective: defective) == 3.25)
    #expect(ThresholdRule.lowestCost(miss: 0.5).threshold(good: good, defective: defective) == 4.5)
    #expect(ThresholdRule.lowestCost(miss: 1e6).threshold(good: good, defective: [0, 5]) < 0)
    // All are alike: everything is rejected, or nothing.
    #expect(ThresholdRule.bestF1.threshold(good: [1], defective: [1]) < 1)
    #expect(ThresholdRule.lowestCost(miss: 0.1).threshold(good: [1], defective: [1]) == 1)
    // Neighbouring numbers have none in between.
    #expect(ThresholdRule.bestF1.threshold(good: [1], defective: [Float(1).nextUp]) == 1)
  }

  @Test func pixelThresholdsLeaveTheWantedShareAbove() throws {
    var random = Random(seed: 3, purpose: "pixels")
    let values = (0..<20_000).map { _ in Float(random.uniform() * 2) }
    let histogram = try PixelHistogram(maximum: 2)
    for value in values { histogram.add(value) }
    for share in [0, 0.001, 0.01, 0.5] {
      let bound = histogram.bound(below: share)
      let below = values.filter { $0 < bound }.count
      #expect(Double(below) <= share * 20_000)
      #expect(Double(values.filter { $0 < bound + 1 / 65536 }.count) > share * 20_000)
      // Turned into values of a map, rounding included.
      let total: Float = 1.7
      #expect(values.filter { total - $0 > total - bound }.count <= below)
    }
    for value in [-1, 5, Float.infinity] { histogram.add(value) }
    #expect(histogram.bound(below: 1) <= 3)
  }
}
