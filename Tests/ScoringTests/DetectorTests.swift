import Basics
import Imaging
import Support
import Testing

@testable import Scoring

/// Whole frames against the double-precision values of Tests/Fixtures/make_detector.py.
@Suite struct DetectorTests {
  private func score(_ session: FrameScorer, _ fixture: DetectorFixture.DetectorCase, frame index: Int) throws
    -> Float
  {
    let pixels = fixture.frame(index)
    return try pixels.withUnsafeBufferPointer { pixels in
      let frame = try Frame(
        base: #require(pixels.baseAddress), width: fixture.frame_width, height: fixture.frame_height,
        stride: 3 * fixture.frame_width, format: .rgb8)
      return try session.score(frame).score
    }
  }

  private func likelihoods(
    _ session: FrameScorer, _ fixture: DetectorFixture.DetectorCase, frame index: Int
  ) throws -> FrameLikelihoods {
    let pixels = fixture.frame(index)
    return try pixels.withUnsafeBufferPointer { pixels in
      let frame = try Frame(
        base: #require(pixels.baseAddress), width: fixture.frame_width, height: fixture.frame_height,
        stride: 3 * fixture.frame_width, format: .rgb8)
      let preprocessing = session.detector.preprocessing
      return try FrameLikelihoods(
        PreparedFrame(frame, preprocessing, resizer: preprocessing.resizer()), by: session)
    }
  }

  @Test func framesScoreAsTheReferenceSays() throws {
    for fixture in try DetectorFixture.load().detectors {
      let session = try FrameScorer(Detector(fixture.contents()))
      for (index, expected) in fixture.results.enumerated() {
        let score = try score(session, fixture, frame: index)
        expectClose(score, expected.score, within: 1e-4, "\(fixture.case) frame \(index)")
        let map = try DetectorFixture.values(expected.map.values)
        expectClose(map.indices.map { session.map[$0 * expected.map.stride] }, map, within: 1e-4)
        var offset = 0
        for level in expected.log_likelihoods {
          let values = try DetectorFixture.values(level)
          let found = values.indices.map { session.logLikelihoods[offset + $0] }
          expectClose(found, values, within: 1e-4, "\(fixture.case) frame \(index)")
          expectCloseOnAverage(found, values, within: 2e-5, "\(fixture.case) frame \(index)")
          offset += values.count
        }
      }
    }
  }

  @Test func aFramesBitsDoNotDependOnItsNeighboursOrSession() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    let detector = try Detector(fixture.contents())
    let used = try FrameScorer(detector)
    _ = try score(used, fixture, frame: 1)
    _ = try score(used, fixture, frame: 2)
    let after = try score(used, fixture, frame: 0)
    let fresh = try FrameScorer(detector)
    #expect(try score(fresh, fixture, frame: 0) == after)
    let count = detector.preprocessing.width * detector.preprocessing.height
    for i in 0..<count { #expect(used.map[i] == fresh.map[i]) }
  }

  @Test func aFramesBitsDoNotDependOnTheNumberOfThreads() throws {
    for fixture in try DetectorFixture.load().detectors {
      let detector = try Detector(fixture.contents())
      let alone = try FrameScorer(detector, threadCount: 1)
      let expected = try score(alone, fixture, frame: 0)
      for threadCount in [2, 3, 7] {
        let session = try FrameScorer(detector, threadCount: threadCount)
        for _ in 0..<3 { #expect(try score(session, fixture, frame: 0) == expected) }
        for level in 0..<3 {
          for i in 0..<detector.levels[level].count {
            guard session.encoder.features[level][i] != alone.encoder.features[level][i] else { continue }
            Issue.record("\(fixture.case), \(threadCount) threads: level \(level) differs at \(i)")
            break
          }
        }
        for i in 0..<detector.positionCount {
          #expect(session.logLikelihoods[i] == alone.logLikelihoods[i])
        }
      }
    }
  }

  @Test func calibrationFreezesWhatTheReferenceFreezes() throws {
    // The fixture's constants are those of all its frames but the last.
    for fixture in try DetectorFixture.load().detectors {
      let detector = try Detector(fixture.contents())
      let session = try FrameScorer(detector)
      var calibrator = Calibrator(detector)
      for index in 0..<fixture.frames - 1 {
        calibrator.add(try likelihoods(session, fixture, frame: index))
      }
      let calibration = try calibrator.calibration(CalibrationOptions())
      expectClose(calibration.levelMaxima, fixture.level_maxima, within: 1e-4)
      expectClose(calibration.total, fixture.total, within: 1e-4)
      expectClose(calibration.scores, fixture.results.dropLast().map(\.score), within: 1e-4)
      #expect(calibration.threshold == calibration.scores.max())
    }
  }

  @Test func outsideOfTheRegionNothingMatters() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    var contents = try fixture.contents()
    let (width, height) = (contents.preprocessing.width, contents.preprocessing.height)
    let region = try RegionOfInterest(
      width: width, height: height,
      mask: (0..<width * height).map {
        $0 % width < width / 16 && $0 / width < height / 16 ? 1 : 0
      })
    let session = try FrameScorer(Detector(contents))
    var calibrator = Calibrator(session.detector)
    for index in 0..<fixture.frames - 1 {
      calibrator.add(try likelihoods(session, fixture, frame: index))
    }
    var options = CalibrationOptions()
    let whole = try calibrator.calibration(options)
    options.regionOfInterest = region
    let part = try calibrator.calibration(options)
    for (a, b) in zip(part.levelMaxima, whole.levelMaxima) { #expect(a <= b) }
    #expect(part.levelMaxima != whole.levelMaxima)

    // The detector scores as it was calibrated.
    contents.calibration = try Calibration(
      levelMaxima: part.levelMaxima, total: part.total, threshold: part.threshold, scores: part.scores)
    contents.calibration?.regionOfInterest = region
    let detector = try Detector(contents)
    let parted = try FrameScorer(detector)
    for index in 0..<fixture.frames - 1 { #expect(try score(parted, fixture, frame: index) == part.scores[index]) }
    var wrong = contents
    wrong.calibration?.regionOfInterest = try RegionOfInterest(width: 2, height: 1, mask: [1, 0])
    #expect(#expect(throws: Failure.self) { try Detector(wrong) }?.kind == .format)
  }

  @Test func withoutCalibrationThereIsNoScore() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    var contents = try fixture.contents()
    contents.calibration = nil
    let session = try FrameScorer(Detector(contents))
    #expect {
      _ = try score(session, fixture, frame: 0)
    } throws: {
      ($0 as? Failure)?.kind == .notCalibrated
    }
    let first = try DetectorFixture.values(try #require(fixture.results.first?.log_likelihoods.first))
    expectClose(session.logLikelihoods[0], first[0], within: 1e-4)
  }

  @Test func aCalibrationOfAnotherModelIsNoticed() throws {
    // Likelihoods that exceed the frozen maxima by far overflow: infinite in the middle of the map, NaN between.
    let fixture = try #require(DetectorFixture.load().detectors.first)
    for maxima in [[-1e4, -1, -1], [-1, -1, -1e4], [-1e4, -1e4, -1e4]] {
      var contents = try fixture.contents()
      contents.calibration = try Calibration(levelMaxima: maxima, total: 3, threshold: 1, scores: [])
      let session = try FrameScorer(Detector(contents))
      #expect {
        _ = try score(session, fixture, frame: 0)
      } throws: {
        ($0 as? Failure)?.kind == .diverged
      }
    }
  }

  @Test func contentsThatDoNotFitAreRefused() throws {
    let fixture = try #require(DetectorFixture.load().detectors.first)
    let good = try fixture.contents()
    func kind(_ change: (inout DetectorContents) throws -> Void) throws -> Failure.Kind? {
      var contents = good
      try change(&contents)
      do throws(Failure) {
        _ = try Detector(contents)
        return nil
      } catch { return error.kind }
    }
    #expect(try kind { $0.flow = nil } == .format)
    #expect(try kind { $0.flowWeights.removeLast() } == .format)
    #expect(try kind { $0.flowWeights.swapAt(0, 1) } == .format)
    #expect(
      try kind { $0.calibration = try Calibration(levelMaxima: [0], total: 1, threshold: 1, scores: []) } == .format)
  }
}

@Suite struct ResampledAxisTests {
  @Test func cornersFallOnCorners() throws {
    let axis = try ResampledAxis(length: 4, cornersTo: 7)
    let positions = (0..<7).map { Float(axis[$0].first) + axis[$0].weight }
    #expect(positions == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    #expect(axis[6].second == 3)
    let single = try ResampledAxis(length: 1, cornersTo: 3)
    for i in 0..<3 { #expect(single[i].first == 0 && single[i].second == 0 && single[i].weight == 0) }
    let point = try ResampledAxis(length: 4, cornersTo: 1)
    #expect(point[0].first == 0 && point[0].weight == 0)
  }

  @Test func cellsKeepTheirCentres() throws {
    let axis = try ResampledAxis(length: 2, cellsTo: 4)
    #expect((0..<4).map { Float(axis[$0].first) + axis[$0].weight } == [0, 0.25, 0.75, 1])
  }
}
