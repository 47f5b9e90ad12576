import Basics
import Support
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
    expectClose(mean, promise.rate, within: 4 * deviation)
    #expect(frames < Int(1 / wantedRate) - 1 || promise.rate <= wantedRate * 1.000001)
    // 950 of 1000 in the binomial band of four deviations.
    let likely = rates.filter { $0 <= promise.likelyRate }.count
    #expect(abs(likely - 950) <= 28)
  }

  /// Of uniform scores a low threshold t leaves the share t of good frames below it, exactly.
  @Test(arguments: [(99, 0.01, 0.01), (20, 0.01, 0.1), (50, 0.1, 0.05)]) func bothSidesKeepTheirPromise(
    frames: Int, lowRate: Double, rate: Double
  ) {
    var random = Random(seed: 4, purpose: "splits of uniform scores")
    let splits = 1000
    var (below, outside) = (0.0, 0.0)
    for _ in 0..<splits {
      let scores = (0..<frames).map { _ in Float(random.uniform()) }
      let low = Double(Calibrator.conformalLowThreshold(scores, rate: lowRate))
      below += low
      outside += low + 1 - Double(Calibrator.conformalThreshold(scores, rate: rate))
    }
    let lowRanks = ConformalPromise(frameCount: frames, wantedRate: lowRate).rejectedRanks
    let ranks = lowRanks + ConformalPromise(frameCount: frames, wantedRate: rate).rejectedRanks
    for (sum, ranks) in [(below, lowRanks), (outside, ranks)] {
      // As above: a draw from Beta(ranks, frames + 1 - ranks), also where the ranks are on two sides.
      let promise = Double(ranks) / Double(frames + 1)
      let deviation = (promise * (1 - promise) / Double(frames + 2) / Double(splits)).squareRoot()
      expectClose(sum / Double(splits), promise, within: 4 * deviation)
    }
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
    let nothing = ConformalPromise(frameCount: 0, wantedRate: 0.01)
    #expect(nothing.rate == 1 && nothing.likelyRate == 1)
  }

  /// Beside scipy.stats.beta.ppf(0.95, rejected ranks, frames + 1 - rejected ranks).
  @Test func likelyRatesAreQuantilesOfBeta() {
    for (frames, rate, ranks, likely) in [
      (199, 0.01, 2, 0.02361544364196703), (100, 0.05, 5, 0.08919625015887987), (30, 0.3, 9, 0.42993393380629297),
      (1000, 0.1, 100, 0.11592451141652606), (5, 0.01, 1, 0.450719728346941), (20, 1, 20, 0.9974386212234697),
      (100_000, 0.01, 1000, 0.010522944994847183),
    ] {
      let promise = ConformalPromise(frameCount: frames, wantedRate: rate)
      #expect(promise.rejectedRanks == ranks)
      expectClose(promise.likelyRate, likely, within: 1e-9, "\(frames)")
    }
  }

  @Test func framesNeededAreTheFewestThatPromise() {
    for rate in [0.5, 0.3, 0.1, 0.01, Double(Float(0.01)), 0.001] {
      let needed = ConformalPromise.framesNeeded(wantedRate: rate) ?? 0
      #expect(ConformalPromise(frameCount: needed, wantedRate: rate).rate <= rate * 1.000001)
      if needed > 1 { #expect(ConformalPromise(frameCount: needed - 1, wantedRate: rate).rate > rate) }
    }
    #expect(ConformalPromise.framesNeeded(wantedRate: 0) == nil)
  }

  @Test func promisesAreToldInFrames() {
    #expect(
      PromiseText(frameCount: 3, wantedRate: 0.01).text
        == "about 1 of 4 good frames may be rejected: 3 calibration frames cannot support 1 %, which needs 99")
    #expect(
      PromiseText(frameCount: 99, wantedRate: 0.01).text
        == "about 1 of 100 good frames will be rejected (1 % on average over calibrations, at most 2.98 % after 95 of "
        + "100 of them)")
    #expect(PromiseText(frameCount: 1, wantedRate: 0.01).text.hasPrefix("about 1 of 2 good frames may be rejected: 1 "))
    for (rate, text) in [
      (0.4, "2 of 5"), (5 / 501, "1 of 100"), (0.001, "1 of 1000"), (0.5, "1 of 2"), (0, "none of the"), (1, "all"),
      (0.75, "3 of 4"), (0.3, "3 of 10"), (0.0102, "1 of 98"), (0.64, "7 of 11"),
      (0.5 / 1.0199, "1 of 2"), (0.5 / 1.0201, "13 of 27"),
      (0.99, "50 of 51"), (299.0 / 300, "99.67 % of the"),
    ] as [(Double, String)] { #expect(PromiseText.share(rate) == text) }
    #expect(
      PromiseText.estimate(1 / 3)
        == "about 1 of 3 good frames will be rejected, as far as the calibration frames tell (33.33 %)")
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

  @Test func aThresholdChosenLaterLeavesTheRest() throws {
    var calibration = try calibration([0.5, 0.25, 0.5, 1])
    try calibration.setReviewThreshold(0.75)
    try calibration.setWantedRate(0.2)
    let old = calibration
    try calibration.setThreshold(2)
    #expect(calibration.threshold == 2 && calibration.reviewThreshold == 0.75 && calibration.wantedRate == nil)
    #expect(calibration.mapScale == old.mapScale && calibration.scores == old.scores && calibration.total == old.total)
    // What is reviewed is never above what is rejected.
    try calibration.setThreshold(0.5)
    #expect(calibration.reviewThreshold == 0.5)
    // A rate is that of a calibration with the same frames.
    try calibration.setThreshold(falseRejectRate: 0.4)
    #expect(calibration.threshold == Calibrator.conformalThreshold(calibration.scores, rate: Double(Float(0.4))))
    #expect(calibration.wantedRate == Double(Float(0.4)))
    for wrong in [Float.nan, .infinity] { #expect(throws: Failure.self) { try calibration.setThreshold(wrong) } }
    for wrong in [Float(-0.1), 0.6, .nan] {
      #expect(throws: Failure.self) { try calibration.setThreshold(falseRejectRate: wrong) }
    }
    #expect(calibration.wantedRate == Double(Float(0.4)))
    #expect(throws: Failure.self) {
      var unknown = try self.calibration([])
      try unknown.setThreshold(falseRejectRate: 0.1)
    }
  }

  /// Uniform scores, of which a threshold t leaves the share 1 - t above it.
  @Test(arguments: [Float(0.9), 0.99, 0.5]) func aThresholdThatNoScoreChoseKeepsItsPromise(threshold: Float) throws {
    var random = Random(seed: 6, purpose: "calibrations")
    let rate = 1 - Double(threshold)
    var (sum, kept) = (0.0, 0)
    for _ in 0..<1000 {
      let calibration = try calibration((0..<60).map { _ in Float(random.uniform()) })
      let promise = try #require(calibration.promise(above: threshold))
      #expect(promise.rate == calibration.promisedRate(above: threshold))
      sum += promise.rate
      kept += rate <= promise.likelyRate ? 1 : 0
    }
    // (1 + n rate) / (1 + n) on average, and four deviations of the mean.
    let deviation = (60 * rate * (1 - rate) / 1000).squareRoot() / 61
    expectClose(sum / 1000, (1 + 60 * rate) / 61, within: 4 * deviation)
    // 950 of 1000 or more, but for four deviations.
    #expect(kept >= 922)
    #expect(try self.calibration([]).promise(above: threshold) == nil)
  }

  @Test func aThresholdBelowAllScoresPromisesNothing() throws {
    let promise = try #require(try calibration([0.5, 0.25]).promise(above: 0))
    #expect(promise.rate == 1 && promise.likelyRate == 1)
  }

  /// What files of 1.0 do not hold has a value all the same, and what a setter is given is checked.
  @Test func whatIsSetIsChecked() throws {
    var calibration = try calibration([1], threshold: 0.75)
    #expect(calibration.mapScale == (try MapScale(threshold: 0.75, low: 0, high: 2)))
    let none = try Calibration(levelMaxima: [], total: 0, threshold: 0, scores: [])
    #expect(none.mapScale == (try MapScale(threshold: 0, low: 0, high: 1)))
    for rate in [0, 0.5, 1, nil] as [Double?] {
      try calibration.setWantedRate(rate)
      #expect(calibration.wantedRate == rate)
    }
    for means in [[], [0, 0.5]] as [[Double]] {
      try calibration.setLevelMeans(means)
      #expect(calibration.levelMeans == means)
    }
    for smoothing in [0, 64] as [Double] {
      try calibration.setSmoothing(smoothing)
      #expect(calibration.smoothing == smoothing)
    }
    func refuses(_ set: (inout Calibration) throws -> Void) {
      let before = calibration
      #expect(#expect(throws: Failure.self) { try set(&calibration) }?.kind == .format)
      #expect(calibration == before)
    }
    for rate in [-0.001, 1.001, .nan] { refuses { try $0.setWantedRate(rate) } }
    for means in [[1], [1, 2, 3], [1, -0.001], [1, .infinity], [.nan, 1]] as [[Double]] {
      refuses { try $0.setLevelMeans(means) }
    }
    for smoothing in [-0.001, 64.001, .nan] { refuses { try $0.setSmoothing(smoothing) } }
    for score in [Float.nan, .infinity] { refuses { try $0.setDefectiveScores([1, score]) } }
    for (maxima, total, threshold, scores) in [
      ([Double.nan], 1, 1, [1]), ([0], .infinity, 1, [1]), ([0], 1, .nan, [1]), ([0], 1, 1, [1, -.infinity]),
    ] as [([Double], Double, Float, [Float])] {
      #expect(throws: Failure.self) {
        try Calibration(levelMaxima: maxima, total: total, threshold: threshold, scores: scores)
      }
    }
    for (threshold, low, high) in [(Float.nan, 0, 1), (0, .nan, 1), (0, 0, .infinity), (0, 1, 1), (0, 2, 1)]
      as [(Float, Float, Float)]
    {
      #expect(throws: Failure.self) { try MapScale(threshold: threshold, low: low, high: high) }
    }
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

  @Test func lowPValuesCountWhatIsAsLow() throws {
    let calibration = try calibration([0.5, 0.25, 0.5, 1])
    for (score, p) in [(0.1, 0.2), (0.25, 0.4), (0.3, 0.4), (0.5, 0.8), (0.75, 0.8), (1, 1), (1.1, 1)]
      as [(Float, Float)]
    {
      #expect(calibration.lowPValue(score) == p, "\(score)")
    }
    #expect(try self.calibration([]).lowPValue(1).isNaN)
    #expect(try self.calibration([]).promisedRate(below: 1).isNaN)
    #expect(calibration.promisedRate(below: 0.25) == 0.2)
    #expect(calibration.promisedRate(below: 0.5) == 0.4)
    #expect(calibration.promisedRate(below: 0.6) == 0.8)
  }

  /// Scores of which many are equal: of them none or all are below a threshold.
  @Test func aFrameIsLowWhenItsLowPValueIsWithinTheRate() throws {
    var random = Random(seed: 5, purpose: "discrete scores")
    for frames in [1, 9, 40, 99] {
      let scores = (0..<frames).map { _ in Float(random.integer(below: 12)) }
      for rate in [0.5, 0.1, 0.01] {
        let low = Calibrator.conformalLowThreshold(scores, rate: rate)
        let calibration = try calibration(scores)
        let promise = ConformalPromise(frameCount: frames, wantedRate: rate)
        #expect(calibration.promisedRate(below: low) <= promise.rate)
        for score in stride(from: Float(-1), through: 12, by: 0.5) {
          #expect((score < low) == (calibration.lowPValue(score) <= Float(promise.rate)))
        }
      }
    }
  }

  @Test func lowScoresAreJudged() throws {
    var calibration = try calibration([0, 1], threshold: 1)
    // Files of before 1.2.
    #expect(
      DecisionThresholds(calibration).verdict(-9, mean: .nan) == .pass
        && DecisionThresholds(calibration).lowThreshold.isNaN)
    try calibration.setReviewThreshold(0.75)
    for verdict in [Verdict.review, .reject] {
      try calibration.setLowSide(LowSide(threshold: 0.5, verdict: verdict))
      let judge = DecisionThresholds(calibration)
      let verdicts = [0.4, 0.5, 0.75, 0.8, 1.1].map { judge.verdict($0, mean: .nan) }
      #expect(verdicts == [verdict, .pass, .pass, .review, .reject])
      // Both sides at once, by a session's own threshold: the harder verdict.
      #expect(DecisionThresholds(calibration, threshold: 0.25).verdict(0.3, mean: .nan) == .reject)
      #expect(judge.withoutStrangeness.verdict(0.4, mean: .nan) == .pass)
      #expect([0.4, 0.5, 0.8, 1.1].map { judge.isTooLow($0) } == [true, false, false, false])
      // Rejected as too high already.
      #expect(!DecisionThresholds(calibration, threshold: 0.25).isTooLow(0.3))
    }
    for side in [
      LowSide(threshold: .nan, verdict: .review), LowSide(threshold: -.infinity, verdict: .reject),
      LowSide(threshold: 0, verdict: .pass),
    ] {
      #expect(#expect(throws: Failure.self) { try calibration.setLowSide(side) }?.kind == .format)
    }
    #expect(DecisionThresholds(nil).verdict(1, mean: .nan) == .pass)
  }

  @Test func strangeFramesAreJudged() throws {
    var calibration = try calibration([0.5, 1], threshold: 1)
    #expect(calibration.triedKinds.isEmpty && calibration.passedKinds.isEmpty)
    try calibration.setStrangeScores([.black: [0.25], .noise: [.infinity], .dark: [2, 0.75, 3], .white: [1.5]])
    #expect(calibration.triedKinds == [.black, .white, .noise, .dark])
    #expect(calibration.passedKinds == [.black, .dark] && calibration.lowKinds == [.black])
    #expect(calibration.verdicts(.dark) == [.reject, .pass, .reject] && calibration.verdicts(.gray).isEmpty)
    try calibration.setLowSide(LowSide(threshold: 0.5, verdict: .review))
    #expect(calibration.passedKinds == [.dark])
    for scores in [[StrangeFrame.black: [Float.nan]], [.black: [-.infinity]], [.black: []]] {
      #expect(#expect(throws: Failure.self) { try calibration.setStrangeScores(scores) }?.kind == .format)
    }
  }

  @Test func judging() throws {
    var calibration = try calibration([0, 1], threshold: 1)
    #expect(DecisionThresholds(calibration).verdict(1, mean: .nan) == .pass)
    #expect(DecisionThresholds(calibration).verdict(1.5, mean: .nan) == .reject)
    // No review threshold: none in between, wherever the session's threshold is.
    #expect(DecisionThresholds(calibration, threshold: 3).verdict(2, mean: .nan) == .pass)
    try calibration.setReviewThreshold(0.5)
    let judge = DecisionThresholds(calibration)
    #expect([0.5, 0.75, 1, 1.25].map { judge.verdict($0, mean: .nan) } == [.pass, .review, .review, .reject])
    #expect(DecisionThresholds(calibration, threshold: 0.25).verdict(0.3, mean: .nan) == .reject)
    #expect(DecisionThresholds(calibration, threshold: 0.25).reviewThreshold == 0.25)
    #expect(DecisionThresholds(calibration, reviewThreshold: 0.75).verdict(0.6, mean: .nan) == .pass)
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
    // 1.5 and 3.5 cost the same.
    #expect(ThresholdRule.lowestCost(miss: 1).threshold(good: [1, 3], defective: [2, 4]) == 1.5)
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
