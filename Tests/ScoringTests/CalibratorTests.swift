import Basics
import Foundation
import Imaging
import Support
import Testing

@testable import Scoring

/// Everything that a calibration holds, computed once more from the frames' log-likelihoods and from the maps that it gives them.
@Suite struct CalibratorTests {
  private func withFrame<Result>(
    _ fixture: DetectorFixture.DetectorCase, _ index: Int, _ body: (Frame) throws -> Result
  ) throws -> Result {
    try fixture.frame(index).withUnsafeBufferPointer { pixels in
      try body(
        Frame(
          base: #require(pixels.baseAddress), width: fixture.frame_width, height: fixture.frame_height,
          stride: 3 * fixture.frame_width, format: .rgb8))
    }
  }

  /// A detector's calibration by all frames of the fixture but the last, which is the defective one, and these frames.
  private func calibrator(
    _ fixture: DetectorFixture.DetectorCase
  ) throws -> (calibrator: Calibrator, frames: [FrameLikelihoods]) {
    let session = try FrameScorer(Detector(fixture.contents()))
    let preprocessing = session.detector.preprocessing
    let frames = try (0..<fixture.frames).map { index in
      try withFrame(fixture, index) { frame in
        try FrameLikelihoods(PreparedFrame(frame, preprocessing, resizer: preprocessing.resizer()), by: session)
      }
    }
    var calibrator = Calibrator(session.detector)
    for frame in frames.dropLast() { calibrator.add(frame) }
    if let last = frames.last { calibrator.add(last, isDefective: true) }
    return (calibrator, frames)
  }

  @Test func everythingFollowsFromLikelihoodsAndMaps() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    let (calibrator, frames) = try calibrator(fixture)
    let good = frames.dropLast()
    var options = CalibrationOptions()
    (options.reviewRate, options.lowRate, options.lowVerdict) = (0.5, 0.5, .reject)
    let (calibration, highestMean) = try calibrator.calibrationWithMean(options)

    // A level's values are one after the other, the finest level's first.
    var start = 0
    for (level, grid) in fixture.levels.enumerated() {
      let count = grid.height * grid.width
      let values = good.flatMap { $0.values[start..<start + count] }.map(Double.init)
      start += count
      let maximum = try #require(values.max())
      #expect(calibration.levelMaxima[level] == maximum)
      let mean = values.reduce(0) { $0 + exp($1 - maximum) } / Double(values.count)
      expectClose(calibration.levelMeans[level], mean, within: 1e-12)
    }

    var contents = try fixture.contents()
    contents.calibration = calibration
    let scorer = try FrameScorer(Detector(contents))
    var (scores, means, pixels): ([Float], [Float], [Float]) = ([], [], [])
    for index in 0..<fixture.frames {
      let mean = try withFrame(fixture, index) { try scorer.score($0).mapMean }
      let map = Array(UnsafeBufferPointer(start: scorer.map, count: fixture.width * fixture.height))
      scores.append(try #require(map.max()))
      if index == fixture.frames - 1 { break }
      means.append(mean)
      pixels += map
    }
    #expect(calibration.scores == Array(scores.dropLast()) && calibration.defectiveScores == [scores.last])
    // No good pixel is below 0, and one is there.
    #expect(pixels.min() == 0)

    // Of three good frames one in four is rejected, whatever the rate; half of four ranks are two.
    let ascending = scores.dropLast().sorted()
    #expect(ascending.count == 3)
    #expect(calibration.threshold == ascending[2] && calibration.reviewThreshold == ascending[1])
    #expect(calibration.lowSide == LowSide(threshold: ascending[1], verdict: .reject))
    #expect(calibration.wantedRate == Double(options.falseRejectRate) && calibration.smoothing == 0)
    let highest = try #require(means.max())
    #expect(highestMean >= highest)
    expectClose(Double(highestMean), Double(highest), within: 1e-5 * max(1, calibration.total))

    // The share of pixels above a bound is as wanted, as finely as the sums are counted.
    for (bound, share) in [(calibration.mapScale.threshold, 0.001), (calibration.mapScale.low, 0.01)] {
      let most = share * Double(pixels.count)
      #expect(Double(pixels.count { $0 > bound }) <= most)
      #expect(Double(pixels.count { $0 > bound - 1 / 32768 }) > most)
    }
    expectClose(Double(calibration.mapScale.high), calibration.total, within: 1e-6)
  }

  @Test func rulesByDefectiveFrames() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    let (calibrator, frames) = try calibrator(fixture)
    var options = CalibrationOptions()
    options.rule = .bestF1
    options.lowVerdict = .pass
    let calibration = try calibrator.calibration(options)
    #expect(
      calibration.threshold
        == ThresholdRule.bestF1.threshold(good: calibration.scores, defective: calibration.defectiveScores))
    #expect(calibration.wantedRate == nil && calibration.lowSide == nil && calibration.reviewThreshold == nil)
    // A threshold below all scores leaves nothing to review below it.
    var all = Calibrator(try Detector(fixture.contents()))
    for frame in frames.dropLast() {
      all.add(frame)
      all.add(frame, isDefective: true)
    }
    (options.rule, options.reviewRate) = (.lowestCost(miss: 1e6), 0.5)
    let strict = try all.calibration(options)
    #expect(strict.threshold < (strict.scores.min() ?? 0) && strict.reviewThreshold == strict.threshold)
    // Neither rule has a threshold without the frames that it goes by.
    var onlyGood = Calibrator(try Detector(fixture.contents()))
    var onlyDefective = onlyGood
    onlyGood.add(frames[0])
    onlyDefective.add(frames[0], isDefective: true)
    for calibrator in [onlyGood, onlyDefective] {
      #expect(#expect(throws: Failure.self) { try calibrator.calibration(options) }?.kind == .state)
    }
    #expect(throws: Never.self) { try onlyGood.calibration(CalibrationOptions()) }
  }

  /// Those that the header names.
  @Test func optionsHaveTheirDefaultsAndRanges() throws {
    let options = CalibrationOptions()
    try options.validate()
    #expect(options.falseRejectRate == 0.01 && options.reviewRate == 0 && options.lowRate == 0.01)
    #expect(options.pixelRate == 0.001 && options.lowVerdict == .review && options.rule == .conformal)
    func isValid(_ change: (inout CalibrationOptions) -> Void) -> Bool {
      var options = CalibrationOptions()
      change(&options)
      do throws(Failure) {
        try options.validate()
        return true
      } catch { return false }
    }
    for rate in [0, 0.3, 0.5] as [Float] {
      #expect(isValid { $0.falseRejectRate = rate } && isValid { $0.lowRate = rate } && isValid { $0.pixelRate = rate })
    }
    for rate in [-0.001, 0.501, .nan] as [Float] {
      #expect(
        !isValid { $0.falseRejectRate = rate } && !isValid { $0.lowRate = rate } && !isValid { $0.pixelRate = rate })
    }
    // No review at all, or of as many as are rejected and more.
    for (rate, valid) in [(0.01, true), (0.5, true), (0.009, false), (0.501, false), (-1, false)] as [(Float, Bool)] {
      #expect(isValid { $0.reviewRate = rate } == valid, "\(rate)")
    }
    for (smoothing, valid) in [(0.0, true), (64, true), (64.1, false), (-1, false)] {
      #expect(isValid { $0.smoothing = smoothing } == valid, "\(smoothing)")
    }
    for (miss, valid) in [(1e-6, true), (1e6, true), (0.0, false), (2e6, false)] {
      #expect(isValid { $0.rule = .lowestCost(miss: miss) } == valid, "\(miss)")
    }
  }
}
