import Basics
import Execution
import Imaging
import Support
import Testing

@testable import Scoring

@Suite struct TilingTests {
  private let fixture: DetectorFixture.DetectorCase

  init() throws { fixture = try #require(DetectorFixture.load().detectors.first) }

  private func detector(_ tiling: Tiling?) throws -> Detector {
    var contents = try fixture.contents()
    let input = contents.preprocessing
    contents.preprocessing = try Preprocessing(
      width: input.width, height: input.height, mean: input.mean, standardDeviation: input.standardDeviation,
      tiling: tiling)
    return try Detector(contents)
  }

  /// A frame of any size made of the fixture's squares.
  private func withFrame<Result>(width: Int, height: Int, _ body: (Frame) throws -> Result) throws -> Result {
    try Generated.withSquares("tiled frame", width: width, height: height, body)
  }

  @Test func aFrameThatFitsATileIsScoredAsWithoutTiles() throws {
    let plain = try FrameScorer(detector(nil))
    let tiled = try FrameScorer(detector(Tiling(width: 120, height: 100, overlap: 30)))
    let count = plain.detector.preprocessing.width * plain.detector.preprocessing.height
    for (width, height) in [(120, 100), (70, 90)] {
      try withFrame(width: width, height: height) { frame in
        #expect(try plain.score(frame).score == tiled.score(frame).score)
        #expect((0..<count).allSatisfy { plain.map[$0] == tiled.map[$0] })
        let (expected, resampled) = (
          try FloatBuffer(count: width * height), try FloatBuffer(count: width * height)
        )
        try FrameMap.resample(plain.map, plain.layout(frame), into: expected.base, Workers(count: 1))
        try FrameMap.resample(tiled.map, tiled.layout(frame), into: resampled.base, Workers(count: 3))
        #expect((0..<expected.count).allSatisfy { expected.base[$0] == resampled.base[$0] })
      }
    }
  }

  /// The map of a frame, computed the plain way from each tile's own map.
  @Test func tilesMapsAreBlended() throws {
    let tiling = try Tiling(width: 64, height: 64, overlap: 16)
    let (plain, tiled) = (try FrameScorer(detector(nil)), try FrameScorer(detector(tiling)))
    let preprocessing = plain.detector.preprocessing
    let (tileWidth, tileHeight) = (preprocessing.width, preprocessing.height)
    try withFrame(width: 150, height: 100) { frame in
      let layout = try tiled.layout(frame)
      let grid = layout.tiles
      #expect(grid.count == 6)
      var (sums, weights) = (
        [Double](repeating: 0, count: layout.width * layout.height),
        [Double](repeating: 0, count: layout.width * layout.height)
      )
      for tile in 0..<grid.count {
        _ = try plain.score(frame.part(grid.rectangle(tile)))
        let part = grid.rectangle(tile)
        let left = (part.x * tileWidth + 32) / 64
        let top = (part.y * tileHeight + 32) / 64
        for y in 0..<tileHeight {
          for x in 0..<tileWidth {
            let weight =
              (Double(min(x, tileWidth - 1 - x)) + 0.5) * (Double(min(y, tileHeight - 1 - y)) + 0.5)
            let place = (top + y) * layout.width + left + x
            sums[place] += weight * Double(plain.map[y * tileWidth + x])
            weights[place] += weight
          }
        }
      }
      let score = try tiled.score(frame).score
      let expected = zip(sums, weights).map { $0 / $1 }
      expectClose(expected.indices.map { tiled.map[$0] }, expected, within: 1e-5)
      #expect(score == expected.indices.map { tiled.map[$0] }.max())
    }
  }

  @Test func weightsSumToOne() throws {
    for (width, overlap) in [(300, 0), (300, 20), (250, 30), (64, 10)] {
      let preprocessing = try detector(Tiling(width: 64, height: 64, overlap: overlap)).preprocessing
      let tiles = preprocessing.tiles(frameWidth: width, frameHeight: 64).columns
      let axis = try BlendedAxis(tiles)
      var sums = [Float](repeating: 0, count: tiles.mapLength)
      for tile in 0..<tiles.count {
        for i in 0..<tiles.mapTile { sums[tiles.mapStart(tile) + i] += axis.weights(tile)[i] }
      }
      expectClose(sums, sums.map { _ in 1.0 }, within: 1e-6)
      #expect(tiles.mapStart(tiles.count - 1) + tiles.mapTile == tiles.mapLength)
    }
  }

  @Test func aFramesBitsDoNotDependOnTheFrameBefore() throws {
    let tiling = try Tiling(width: 64, height: 64, overlap: 16)
    let (used, fresh) = (try FrameScorer(detector(tiling)), try FrameScorer(detector(tiling)))
    for (width, height) in [(200, 64), (64, 64), (90, 210), (130, 130), (65, 65), (200, 64)] {
      try withFrame(width: width, height: height) { _ = try used.score($0) }
    }
    try withFrame(width: 200, height: 64) { frame in
      let expected = try fresh.score(frame).score
      #expect(try used.score(frame).score == expected)
    }
  }

  /// Only members that see the same tiles by the same encoder share its features.
  @Test func aGroupEncodesATileOnce() throws {
    let tiling = try Tiling(width: 64, height: 64, overlap: 16)
    let wider = try Tiling(width: 64, height: 64, overlap: 8)
    let detectors = try [tiling, nil, tiling, wider, nil].map { try detector($0) }
    #expect(detectors.allSatisfy { $0.encoder === detectors[0].encoder })
    let group = try DetectorGroup(detectors, workers: Workers(count: 1)) { DecisionThresholds($0.calibration) }
    #expect(group.isEncodedBefore == [false, false, true, false, true])
  }

  /// Members with different numbers of tiles; the third fails, and those behind it are not asked.
  @Test func aGroupScoresAsItsMembersAlone() throws {
    let tiling = try Tiling(width: 64, height: 64, overlap: 16)
    let wider = try Tiling(width: 64, height: 64, overlap: 32)
    let detectors = try [nil, tiling, nil, wider, tiling].map { try detector($0) }
    func group() throws -> DetectorGroup {
      try DetectorGroup(detectors, workers: Workers(count: 1)) { DecisionThresholds($0.calibration) }
    }
    try withFrame(width: 150, height: 100) { frame in
      let alone = try detectors.map { try FrameScorer($0).score(frame).score }
      var scores: [Float] = []
      try group().score(frame) { _ in
        FrameRequest()
      } result: {
        scores.append($1.score)
      }
      #expect(scores == alone && Set(alone).count == 3)
      // One value of room for a map.
      scores = []
      var room = [Float](repeating: 0, count: 1)
      let failure = room.withUnsafeMutableBufferPointer { room in
        #expect(throws: Failure.self) {
          try group().score(frame) { index in
            var request = FrameRequest()
            if index == 2 { request.map = .init(room.baseAddress, capacity: 1) }
            return request
          } result: {
            scores.append($1.score)
          }
        }
      }
      #expect(failure?.kind == .bufferTooSmall && failure?.message.hasPrefix("model 2: ") == true)
      #expect(scores == Array(alone.prefix(2)))
    }
  }

  /// Everything has as many values as the frame says, and one less is refused before anything is written.
  @Test func roomIsCheckedToTheLastValue() throws {
    for tiling in [nil, try Tiling(width: 64, height: 64, overlap: 16)] {
      let scorer = try FrameScorer(detector(tiling), threadCount: 1)
      let detector = scorer.detector
      try withFrame(width: 150, height: 100) { frame in
        let layout = try scorer.layout(frame)
        let sizes: [(count: Int, set: (inout FrameRequest, FrameRequest.Output?) -> Void)] = [
          (layout.width * layout.height, { $0.map = $1 }), (150 * 100, { $0.frameMap = $1 }),
          (layout.tiles.count * detector.positionCount, { $0.logLikelihoods = $1 }),
          (layout.tiles.count * detector.levels.reduce(0) { $0 + $1.positions * $1.channels }, { $0.features = $1 }),
        ]
        for (count, set) in sizes {
          var values = [Float](repeating: -7, count: count + 1)
          try values.withUnsafeMutableBufferPointer { values in
            var request = FrameRequest()
            set(&request, .init(values.baseAddress, capacity: count - 1))
            #expect(#expect(throws: Failure.self) { try scorer.score(frame, request) }?.kind == .bufferTooSmall)
            #expect(values.allSatisfy { $0 == -7 })
            set(&request, .init(values.baseAddress, capacity: count))
            _ = try scorer.score(frame, request)
            #expect(values[count] == -7 && values.dropLast().count { $0 == -7 } == 0)
          }
        }
      }
    }
  }

  /// The observer is told when a stage ends: every tile is added to the map, which is finished once.
  @Test func stagesEndInTheirOrder() throws {
    let tile: [ScoringStage] = [.resize, .normalize, .encoder, .flows, .map]
    for tiling in [nil, try Tiling(width: 64, height: 64, overlap: 16)] {
      let scorer = try FrameScorer(detector(tiling), threadCount: 2)
      var stages: [ScoringStage] = []
      scorer.stageEnded = { stages.append($0) }
      try withFrame(width: 150, height: 60) { frame in
        var request = FrameRequest()
        request.regionLimit = 1
        _ = try scorer.score(frame, request)
      }
      #expect(stages == Array(repeating: tile, count: tiling == nil ? 1 : 3).flatMap { $0 } + [.map, .regions])
    }
  }

  /// Regions are what lies above the threshold in the frame's map.
  @Test func regionsAreOfTheFramesMap() throws {
    for tiling in [nil, try Tiling(width: 64, height: 64, overlap: 16)] {
      let plain = try FrameScorer(detector(tiling))
      try withFrame(width: 150, height: 100) { frame in
        var request = FrameRequest()
        (request.wantsFrameMap, request.regionLimit) = (true, 1000)
        let values = UnsafeBufferPointer(start: try plain.score(frame, request).frameMap, count: 150 * 100)
        let threshold = values.sorted()[150 * 90]
        let above = values.indices.filter { values[$0] > threshold }
        let highest = try #require(values.max())
        let scorer = try FrameScorer(
          plain.detector, thresholds: DecisionThresholds(plain.detector.calibration, pixelThreshold: threshold))
        let regions = try #require(try scorer.score(frame, request).regions).kept
        #expect(regions.reduce(0) { $0 + $1.area } == above.count && regions.first?.peak == highest)
        // Only those whose pixels' centres lie in a region of interest count.
        let map = try scorer.layout(frame)
        try scorer.setRegionOfInterest(
          RegionOfInterest(
            width: map.width, height: map.height,
            mask: (0..<map.width * map.height).map { 2 * ($0 % map.width) < map.width ? 1 : 0 }))
        let left = try #require(try scorer.score(frame, request).regions).kept
        #expect(left.reduce(0) { $0 + $1.area } == above.count { $0 % 150 < 75 })
      }
    }
  }

  /// Calibrated within a part of frames of 150 x 100, which lies in two of their six tiles.
  @Test func aRegionOfInterestIsThatOfTheWholeMap() throws {
    let tiling = try Tiling(width: 64, height: 64, overlap: 16)
    var session = try FrameScorer(detector(tiling))
    let detector = session.detector
    let tiles = detector.preprocessing.tiles(frameWidth: 150, frameHeight: 100)
    let region = try RegionOfInterest(tiles, rectangles: [.init(x: 50, y: 10, width: 30, height: 12)])
    var calibrator = Calibrator(detector)
    let resizer = try Resizer(width: detector.preprocessing.width, height: detector.preprocessing.height)
    try withFrame(width: 150, height: 100) { frame in
      calibrator.add(
        try FrameLikelihoods(PreparedFrame(frame, detector.preprocessing, resizer: resizer), by: session))
    }
    var options = CalibrationOptions()
    let whole = try calibrator.calibration(options)
    options.regionOfInterest = region
    let part = try calibrator.calibration(options)
    for (a, b) in zip(part.levelMaxima, whole.levelMaxima) { #expect(a <= b) }
    #expect(part.levelMaxima != whole.levelMaxima)
    // A region of everything is none.
    options.regionOfInterest = try RegionOfInterest(
      width: region.width, height: region.height, mask: region.mask.map { _ in 1 })
    let everything = try calibrator.calibration(options)
    #expect(everything.levelMaxima == whole.levelMaxima && everything.levelMeans == whole.levelMeans)
    #expect(everything.total == whole.total && everything.scores == whole.scores)
    #expect(everything.mapScale == whole.mapScale)

    var contents = try fixture.contents()
    contents.preprocessing = detector.preprocessing
    contents.calibration = part
    session = try FrameScorer(Detector(contents))
    try withFrame(width: 150, height: 100) { frame in
      let score = try session.score(frame).score
      #expect(score == part.scores[0])
      let layout = try session.layout(frame)
      #expect(layout.width == region.width && layout.height == region.height)
      let inside = region.mask.indices.filter { region.mask[$0] != 0 }
      #expect(score == inside.map { session.map[$0] }.max())
      #expect(region.mask.indices.allSatisfy { session.map[$0].isFinite })
    }
    // The same share of a frame twice as large; nothing of a tiny part in a tiny frame.
    try withFrame(width: 300, height: 200) { frame in
      let score = try session.score(frame).score
      let layout = try session.layout(frame)
      let inside = (0..<layout.width * layout.height).filter {
        let (y, x) = $0.quotientAndRemainder(dividingBy: layout.width)
        let (frameX, frameY) = (
          (Double(x) + 0.5) * 300 / Double(layout.width), (Double(y) + 0.5) * 200 / Double(layout.height)
        )
        return frameX > 100 && frameX < 160 && frameY > 20 && frameY < 44
      }
      // But for a place at the region's edge.
      #expect(inside.allSatisfy { session.map[$0] <= score })
    }
    let point = try RegionOfInterest(
      width: region.width, height: region.height, mask: region.mask.indices.map { $0 == 4 ? 1 : 0 })
    session.setRegionOfInterest(point)
    try withFrame(width: 150, height: 100) { _ = try session.score($0) }
    try withFrame(width: 64, height: 64) { frame in
      #expect(#expect(throws: Failure.self) { try session.score(frame) }?.kind == .invalidArgument)
    }
  }
}

extension FrameScorer {
  /// That of frames of this frame's size.
  fileprivate func layout(_ frame: Frame) throws -> FrameLayout {
    let layouts = try FrameLayouts(
      detector.preprocessing, AnomalyMap(detector).upsampler, region: detector.calibration?.regionOfInterest)
    return try layouts.layout(frameWidth: frame.width, frameHeight: frame.height)
  }
}
