import Basics
import Kernels
import Testing

@testable import Scoring

@Suite struct AdviceTests {
  private func calibration(_ scores: [Float], total: Double = 3, maxima: [Double] = [0, 0]) throws -> Calibration {
    try Calibration(levelMaxima: maxima, total: total, threshold: scores.max() ?? 1, scores: scores)
  }

  private func advice(
    _ fit: FitSummary? = nil, _ calibration: Calibration? = nil, startsAtGaussian: Bool = true
  ) -> Advice {
    Advice(
      fit: fit, calibration: calibration, startsAtGaussian: startsAtGaussian,
      levels: [Grid(height: 16, width: 32, channels: 1), Grid(height: 4, width: 8, channels: 1)])
  }

  private func curve(gain: Double) throws -> LearningCurve {
    try LearningCurve(halfCount: 30, fullCount: 60, half: [-2, -1], full: [-2 + gain, -1 + gain])
  }

  @Test func whatIsNotKnownIsNotSaid() throws {
    let nothing = advice()
    #expect(nothing.text.isEmpty && nothing.moreFrames == .unknown && nothing.doublingGain == nil)
    #expect(nothing.levelShares.isEmpty)
    // The paper's training: frames, and no word about more of them or about coupling steps.
    let paper = advice(try FitSummary(givenCount: 10, fittedCount: 10), startsAtGaussian: false)
    #expect(paper.lines == ["fitted to 10 frames"] && paper.moreFrames == .unknown)
    // A calibration of before 1.2.
    #expect(advice(nil, try calibration([])).lines == ["calibrated on frames that are not known"])
    let older = advice(nil, try calibration([1, 2]))
    #expect(older.lines.count == 2 && older.lines[1].hasPrefix("about 1 of 3 good frames will be rejected, as far as"))
  }

  @Test func moreFramesHelpAsMuchAsHalfOfThemDid() throws {
    for (gain, more, words) in [
      (-0.1, .hardly, "would hardly help"), (0.039, .hardly, "would hardly help"),
      (0.041, .somewhat, "would help a little"), (0.099, .somewhat, "would help a little"),
      (0.101, .much, "would help:"), (2, .much, "would help:"),
    ] as [(Double, Advice.MoreFrames, String)] {
      let advice = advice(try FitSummary(givenCount: 90, fittedCount: 80, curve: curve(gain: gain)))
      #expect(advice.moreFrames == more)
      let doubling = try #require(advice.doublingGain)
      #expect(abs(doubling - max(gain, 0) / 2) <= 1e-12)
      #expect(advice.lines[0] == "fitted to 80 frames, 10 of the 90 given held back")
      #expect(advice.lines[1].contains(words) && advice.lines[1].contains("from 30 to 60 frames"))
    }
  }

  @Test func couplingStepsAreTold() throws {
    func line(_ gains: [Double]) throws -> String {
      try #require(advice(FitSummary(givenCount: 9, fittedCount: 8, couplingGains: gains)).lines.last)
    }
    #expect(try line([]).contains("--time 2m (time_budget)"))
    #expect(try line([0.0312, -1]).hasPrefix("coupling steps added 0.031, 0.000 a channel"))
    #expect(try line([-0.1, 0]).contains("left out"))
  }

  @Test func levelsHaveTheirShares() throws {
    var calibration = try calibration([1, 2])
    try calibration.setLevelMeans([0.75, 0.25])
    let advice = advice(nil, calibration)
    #expect(advice.levelShares == [0.75, 0.25])
    #expect(advice.lines.contains { $0.hasSuffix("its share: 32x16 positions 75 %, 8x4 positions 25 %") })
    try calibration.setLevelMeans([0, 0])
    #expect(self.advice(nil, calibration).levelShares.isEmpty)
    for means in [[1], [1, -1], [1, .nan], [1, 1, 1]] as [[Double]] {
      #expect(#expect(throws: Failure.self) { try calibration.setLevelMeans(means) }?.kind == .format)
    }
  }

  /// One good frame at the top, far from all others: the threshold is there, and what scores less passes.
  @Test func aFrameThatStandsOutIsNamed() throws {
    let others: [Float] = [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
    func found(_ score: Float, _ others: [Float] = others, black: Float? = nil, name: String = "good/x.png") throws
      -> (Calibration.Outlier?, String)
    {
      var calibration = try calibration(others + [score])
      if let black { try calibration.setStrangeScores([.black: [black]]) }
      calibration.thresholdFrame = ThresholdFrame(index: 12, name: name)
      return (calibration.outlier, advice(nil, calibration).text)
    }
    let (outlier, text) = try found(2.99)
    #expect(outlier?.frame.index == 12 && outlier?.score == 2.99 && outlier?.next == 1.6)
    #expect(outlier?.isAsHighAsBlank == false)
    #expect(text.contains("warning: good/x.png scores 2.99 and alone sets the threshold; the next one scores 1.60"))
    #expect(try found(2.99, name: "").1.contains("warning: frame 12, counted from 0 as they were given, scores 2.99"))
    #expect(try found(1.7).0 == nil, "as far from the next one as that is from others")
    #expect(try found(2.99, [1, 1.1, 1.2]).0 == nil, "of four frames it cannot be said")
    // What is as strange as a black frame is worth a look wherever the others are.
    #expect(try found(1.7, black: 1.65).0?.isAsHighAsBlank == true)
    #expect(try found(1.7, [1.6], black: 1.7).0?.isAsHighAsBlank == true)
    #expect(try found(1.7, black: 1.5).0 == nil && found(1.7, black: 1.71).0 == nil)
    // Scores that end at the total differ by how far they are from there.
    #expect(try found(2.999_999, [2.9, 2.91, 2.92, 2.93, 2.94, 2.95, 2.96]).0 != nil)
    #expect(try found(3, [3, 3, 3, 3, 3, 3, 3]).0 == nil)
    // Two that end at the total as a black frame does: no defect can be above them.
    var saturated = try calibration([1, 1.1, 3, 3])
    try saturated.setStrangeScores([.black: [3], .noise: [3]])
    #expect(saturated.outlier == nil)
    let words = "warning: 2 calibration frames of 4 score as high as frames that show"
    #expect(advice(nil, saturated).text.contains(words))
    try saturated.setStrangeScores([.black: [Float(3).nextUp]])
    #expect(!advice(nil, saturated).text.contains("as high as frames that show"))
    // Unknown which one it was.
    #expect(try calibration(others + [2.99]).outlier == nil)
  }

  @Test func whatPassesThoughItShouldNotIsSaid() throws {
    var calibration = try Calibration(levelMaxima: [0], total: 1, threshold: 1, scores: [0.5, 1])
    func texts() -> [String] { Array(advice(nil, calibration).lines.dropFirst(2)) }
    #expect(texts().isEmpty)
    try calibration.setStrangeScores([.black: [0.25], .gray: [0.75], .dark: [2, 3, 0.75], .shuffled: [1.5, 2, 3]])
    let warning = try #require(texts().first)
    #expect(
      warning.hasPrefix(
        "warning: it passes a black frame, a grey frame and a good frame at a fifth of its brightness as good"))
    #expect(warning.contains("--low-verdict review") && texts().count == 1)
    try calibration.setLowSide(LowSide(threshold: 0.5, verdict: .review))
    // None of the two scores is lower: one rank of three.
    #expect(texts()[0].contains("below 0.500000 "))
    #expect(texts()[0].contains("review, for up to 33.33 % of good frames too"))
    #expect(texts().count == 3 && texts()[1].contains("passes a grey frame and a good"))
    #expect(!texts()[1].contains("--low"))
    #expect(texts()[2].hasPrefix("warning: a black frame scores lower than every good frame"))
    try calibration.setStrangeScores([.noise: [2], .blurred: [3]])
    #expect(texts()[1].hasSuffix("it passes none: a frame of noise and a good frame far out of focus"))
  }

  /// Neither black nor noise passes where their maps are high all over, though a good frame's worst place is worse.
  @Test func framesThatAreStrangeAllOverAreNotPassed() throws {
    var calibration = try calibration([1, 2.9])
    let scores: [StrangeFrame: [Float]] = [.black: [2.8], .noise: [2.85], .dark: [1.5]]
    try calibration.setStrangeScores(scores, means: [.black: [2.5], .noise: [2], .dark: [0.5]])
    #expect(calibration.passedKinds == [.black, .noise, .dark])
    // Without a verdict for low scores there is none for high means.
    try calibration.setMeanThreshold(above: 1)
    #expect(calibration.meanThreshold == nil)
    try calibration.setLowSide(LowSide(threshold: 1, verdict: .review))
    try calibration.setMeanThreshold(above: 1)
    #expect(calibration.meanThreshold == 1.5, "halfway from the good frames to the noise")
    #expect(calibration.passedKinds == [.dark])
    #expect(calibration.verdicts(.black) == [.review])
    #expect(advice(nil, calibration).text.contains("with a map of mean above 1.500000, gets the verdict review"))
    let judge = DecisionThresholds(calibration)
    #expect(judge.verdict(2, mean: 1.5) == .pass && judge.verdict(2, mean: 1.6) == .review)
    #expect(judge.verdict(2.95, mean: 1.6) == .reject && judge.verdict(2, mean: .nan) == .pass)
    #expect(judge.withoutStrangeness.verdict(2, mean: 9) == .pass)
    // A good frame's map that is as high as theirs leaves nothing between.
    try calibration.setMeanThreshold(above: 2)
    #expect(calibration.meanThreshold == nil && calibration.passedKinds == [.black, .noise, .dark])
    // Never below the highest good frame, whatever the rounding.
    try calibration.setStrangeScores([.black: [2]], means: [.black: [Float(1).nextUp]])
    try calibration.setMeanThreshold(above: 1)
    #expect(calibration.meanThreshold == 1)
    // What scoring refuses is no measure.
    try calibration.setStrangeScores([.black: [.infinity]], means: [.black: [.infinity]])
    try calibration.setMeanThreshold(above: 1)
    #expect(calibration.meanThreshold == nil)
    for threshold in [Float.nan, .infinity] {
      #expect(#expect(throws: Failure.self) { try calibration.setMeanThreshold(threshold) }?.kind == .format)
    }
    for means in [[.gray: [1]], [.black: []], [.black: [1, 2]], [.black: [.nan]]] as [[StrangeFrame: [Float]]] {
      #expect(throws: Failure.self) { try calibration.setStrangeScores([.black: [1]], means: means) }
    }
  }

  /// A thousand calibrations: of new good frames at most 1 / (n + 1) are above the highest mean, and so above the threshold.
  @Test func theThresholdOfMeansKeepsItsPromise() throws {
    var random = Random(seed: 3, purpose: "means")
    let frames = 19
    var above = 0
    for _ in 0..<1000 {
      let means = (0..<frames).map { _ in Float(random.uniform()) }
      var calibration = try calibration([1])
      try calibration.setLowSide(LowSide(threshold: 1, verdict: .review))
      // The worst that black frames can do: hardly above the good ones.
      try calibration.setStrangeScores([.black: [1]], means: [.black: [(means.max() ?? 0).nextUp]])
      try calibration.setMeanThreshold(above: means.max() ?? 0)
      if Float(random.uniform()) > (try #require(calibration.meanThreshold)) { above += 1 }
    }
    // 50 of 1000, and four deviations.
    #expect(above <= 50 + 28)
  }

  @Test func summariesAreChecked() {
    for (given, fitted) in [(0, 0), (3, 4), (-1, 1), (5, -1)] {
      #expect(throws: Failure.self) { try FitSummary(givenCount: given, fittedCount: fitted) }
    }
    #expect(throws: Failure.self) { try FitSummary(givenCount: 2, fittedCount: 2, couplingGains: [.nan]) }
    for (half, full, values) in [(0, 2, [1.0]), (2, 2, [1]), (1, 2, []), (1, 2, [.infinity])] {
      #expect(throws: Failure.self) { try LearningCurve(halfCount: half, fullCount: full, half: values, full: values) }
    }
    #expect(throws: Failure.self) { try LearningCurve(halfCount: 1, fullCount: 2, half: [1], full: [1, 2]) }
  }
}
