import Basics
import Support
import Testing

@testable import Imaging
@testable import Scoring

@Suite struct StrangeFrameTests {
  private let fixture: DetectorFixture.DetectorCase

  init() throws { fixture = try #require(DetectorFixture.load().detectors.first) }

  private func preprocessing(_ tiling: Tiling?) throws -> Preprocessing {
    try Preprocessing(
      width: fixture.width, height: fixture.height, mean: fixture.mean.map { Float($0) },
      standardDeviation: fixture.standard_deviation.map { Float($0) }, tiling: tiling)
  }

  private func withFrame<Result>(
    _ pixels: [UInt8], width: Int, height: Int, _ body: (Frame) throws -> Result
  ) throws -> Result {
    try pixels.withUnsafeBufferPointer { pixels in
      try body(
        Frame(base: #require(pixels.baseAddress), width: width, height: height, stride: 3 * width, format: .rgb8))
    }
  }

  /// A good frame of the network's size times `scale`.
  private func good(_ preprocessing: Preprocessing, scale: Int = 1, isGray: Bool = false) throws -> PreparedFrame {
    let (width, height) = (scale * fixture.width, scale * fixture.height)
    let values = Generated.unit("good", count: 3 * width * height).map { UInt8(128 + 100 * $0) }
    let pixels = values.indices.map { isGray ? values[$0 / 3] : values[$0] }
    let resizer = try Resizer(width: fixture.width, height: fixture.height)
    return try withFrame(pixels, width: width, height: height) {
      try PreparedFrame($0, preprocessing, resizer: resizer)
    }
  }

  @Test func kindsAreWhatTheyAreCalled() throws {
    let preprocessing = try preprocessing(nil)
    let good = try good(preprocessing)
    let source = try #require(good.pictures.first)
    func picture(_ kind: StrangeFrame) throws -> [UInt8] {
      let frame = kind.frame(from: good, preprocessing)
      #expect(frame.width == good.width && frame.height == good.height && frame.pictures.count == 1)
      #expect(frame == kind.frame(from: good, preprocessing), "the same each time")
      let picture = try #require(frame.pictures.first)
      #expect(picture.count == source.count)
      return picture
    }
    #expect(try picture(.black).allSatisfy { $0 == 0 })
    #expect(try picture(.white).allSatisfy { $0 == 255 })
    #expect(try picture(.gray).allSatisfy { $0 == 128 })
    #expect(try picture(.inverted) == source.map { 255 - $0 })
    #expect(try picture(.dark) == source.map { UInt8((0.2 * Double($0)).rounded()) })

    // All values, each about as often: a binomial of 6 deviations.
    let noise = try picture(.noise)
    let mean = Double(noise.count) / 256
    var counts = [Double](repeating: 0, count: 256)
    for value in noise { counts[Int(value)] += 1 }
    for count in counts { #expect(abs(count - mean) < 6 * mean.squareRoot()) }

    // Means, of the same mean, that hardly differ from pixel to pixel.
    let blurred = try picture(.blurred)
    func roughness(_ pixels: [UInt8]) -> Int {
      zip(pixels, pixels.dropFirst(3)).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    }
    func average(_ pixels: [UInt8]) -> Double { pixels.reduce(0) { $0 + Double($1) } / Double(pixels.count) }
    #expect(10 * roughness(blurred) < roughness(source))
    expectClose(average(blurred), average(source), within: 2)
    // Twice, along rows and along columns: the mean of what lies within a radius, rounded.
    let radius = max(min(fixture.width, fixture.height) / 32, 1)
    var expected = source
    for isAlongRows in [true, false, true, false] {
      let before = expected
      for place in expected.indices {
        let (y, x) = (place / 3).quotientAndRemainder(dividingBy: fixture.width)
        let (own, length) = isAlongRows ? (x, fixture.width) : (y, fixture.height)
        let places = max(own - radius, 0)...min(own + radius, length - 1)
        let sum = places.reduce(0) { $0 + Int(before[place + ($1 - own) * 3 * (isAlongRows ? 1 : fixture.width)]) }
        expected[place] = UInt8((Double(sum) / Double(places.count)).rounded())
      }
    }
    #expect(blurred == expected)

    // The same blocks in other places.
    let shuffled = try picture(.shuffled)
    #expect(shuffled != source && shuffled.sorted() == source.sorted())
    let (width, height) = (fixture.width / 8, fixture.height / 8)
    func blocks(_ pixels: [UInt8]) -> [[UInt8]] {
      (0..<64).map { block in
        (0..<height).flatMap { y in
          let start = 3 * ((block / 8 * height + y) * fixture.width + block % 8 * width)
          return Array(pixels[start..<start + 3 * width])
        }
      }
    }
    #expect(Set(blocks(shuffled)) == Set(blocks(source)))
    #expect(zip(blocks(shuffled), blocks(source)).count { $0 == $1 } < 8)
  }

  @Test func kindsHaveBitsInTheirOrder() { #expect(StrangeFrame.allCases.map(\.bit) == [1, 2, 4, 8, 16, 32, 64, 128]) }

  @Test func noiseIsGrayWhereFramesAre() throws {
    let preprocessing = try preprocessing(nil)
    let noise = StrangeFrame.noise.frame(from: try good(preprocessing, isGray: true), preprocessing).pictures[0]
    for start in stride(from: 0, to: noise.count, by: 3) {
      #expect(noise[start] == noise[start + 1] && noise[start] == noise[start + 2])
    }
    #expect(Set(noise).count == 256)
  }

  /// Where tiles share pixels, they show the same noise.
  @Test func tilesShowOneFrame() throws {
    let (width, height) = (fixture.width, fixture.height)
    let preprocessing = try preprocessing(Tiling(width: width, height: height, overlap: 16))
    let good = try good(preprocessing, scale: 2)
    let tiles = preprocessing.tiles(frameWidth: 2 * width, frameHeight: 2 * height)
    #expect(good.pictures.count == tiles.count && tiles.columns.count == 3 && tiles.rows.count == 3)
    for kind in [StrangeFrame.noise, .shuffled, .dark] {
      let pictures = kind.frame(from: good, preprocessing).pictures
      #expect(Set(pictures).count == tiles.count)
      // Tiles are as large as the network's input, so that 16 columns are common.
      for y in 0..<height {
        let (left, right) = (3 * (y * width + width - 16), 3 * y * width)
        #expect(pictures[0][left..<left + 48].elementsEqual(pictures[1][right..<right + 48]))
      }
      #expect(pictures[0].suffix(3 * 16 * width).elementsEqual(pictures[3].prefix(3 * 16 * width)))
    }
    // What changes nothing gives the frame again.
    #expect(good.changed(preprocessing) { _, _, _ in } == good)
  }

  @Test func sourcesAreSpread() throws {
    let preprocessing = try preprocessing(nil)
    let source = try good(preprocessing)
    let kinds: [StrangeFrame] = [.black, .white, .gray, .noise, .inverted]
    let frames = kinds.map { $0.frame(from: source, preprocessing) }
    #expect(StrangeFrame.black.sources(frames) == [frames[0]])
    #expect(StrangeFrame.dark.sources(frames) == [frames[0], frames[2], frames[4]])
    #expect(StrangeFrame.dark.sources(Array(frames.prefix(2))) == Array(frames.prefix(2)))
    #expect(StrangeFrame.shuffled.sources([]).isEmpty)
  }

  /// A frame that was resized before has the bits of the frame itself.
  @Test func keptFramesAreScoredAsFramesAre() throws {
    var contents = try fixture.contents()
    let (width, height) = (fixture.width, fixture.height)
    let pixels = Generated.unit("kept", count: 12 * width * height).map { UInt8(128 + 100 * $0) }
    for tiling in [nil, try Tiling(width: width, height: height, overlap: 16)] {
      contents.preprocessing = try preprocessing(tiling)
      let session = try FrameScorer(Detector(contents))
      let resizer = try Resizer(width: width, height: height)
      try withFrame(pixels, width: 2 * width, height: 2 * height) { frame in
        let kept = try PreparedFrame(frame, contents.preprocessing, resizer: resizer)
        #expect(try session.score(kept).score == session.score(frame).score)
      }
    }
  }

  /// Of all values of the map, or of those in the region.
  @Test func theMeanOfAMapIsTheMapsMean() throws {
    let contents = try fixture.contents()
    let session = try FrameScorer(Detector(contents))
    let frame = try good(contents.preprocessing)
    let count = fixture.width * fixture.height
    let mean = try session.score(frame).mapMean
    let values = UnsafeBufferPointer(start: session.map, count: count).map { Double($0) }
    expectClose(Double(mean), values.reduce(0, +) / Double(count), within: 1e-6)
    let inside = (0..<count).filter { $0 % 7 < 3 }
    let mask = (0..<count).map { UInt8($0 % 7 < 3 ? 1 : 0) }
    try session.setRegionOfInterest(RegionOfInterest(width: fixture.width, height: fixture.height, mask: mask))
    expectClose(
      Double(try session.score(frame).mapMean), inside.reduce(0) { $0 + values[$1] } / Double(inside.count),
      within: 1e-6)
  }

  @Test func aFrameThatScoringRefusesIsInfinitelyStrange() throws {
    var contents = try fixture.contents()
    contents.calibration = try Calibration(levelMaxima: [-1e4, -1e4, -1e4], total: 3, threshold: 1, scores: [])
    let session = try FrameScorer(Detector(contents))
    let refused = try session.strangeScore(good(contents.preprocessing))
    #expect(refused.score == .infinity && refused.mean == .infinity)
  }

  /// In another region good frames may well score lower.
  @Test func lowScoresCountInTheCalibratedRegionAlone() throws {
    var contents = try fixture.contents()
    var calibration = try #require(contents.calibration)
    calibration = try Calibration(
      levelMaxima: calibration.levelMaxima, total: calibration.total, threshold: 8, scores: [6, 7])
    try calibration.setLowSide(LowSide(threshold: 6, verdict: .reject))
    contents.calibration = calibration
    let session = try FrameScorer(Detector(contents))
    let count = fixture.width * fixture.height
    func region(_ isInside: (Int) -> Bool) throws -> RegionOfInterest {
      try RegionOfInterest(
        width: fixture.width, height: fixture.height, mask: (0..<count).map { isInside($0) ? 1 : 0 })
    }
    #expect(session.thresholds.verdict(5, mean: .nan) == .reject && session.lowPValue(5) == Float(1.0 / 3))
    try session.setRegionOfInterest(region { $0 < count / 2 })
    #expect(session.thresholds.verdict(5, mean: .nan) == .pass && session.thresholds.verdict(9, mean: .nan) == .reject)
    #expect(session.lowPValue(5).isNaN && session.thresholds.lowThreshold.isNaN)
    // The whole frame by another name.
    try session.setRegionOfInterest(region { _ in true })
    #expect(session.thresholds.verdict(5, mean: .nan) == .reject)
    try session.setRegionOfInterest(region { $0 < count / 2 })
    session.setRegionOfInterest(nil)
    #expect(session.thresholds.verdict(5, mean: .nan) == .reject && session.thresholds.lowThreshold == 6)
  }
}
