import Basics
import Imaging
import Support
import Testing

@testable import Scoring

/// Frames scored together, by threads that share out their tiles, against the same frames one by one on one thread.
@Suite struct BatchTests {
  private let fixture: DetectorFixture.DetectorCase
  private static let sizes = [(70, 90), (200, 150), (64, 64), (33, 40), (150, 100), (64, 200), (64, 64)]

  init() throws { fixture = try #require(DetectorFixture.load().detectors.first) }

  private func detector(_ tiling: Tiling? = nil, _ change: (inout DetectorContents) -> Void = { _ in }) throws
    -> Detector
  {
    var contents = try fixture.contents()
    let input = contents.preprocessing
    contents.preprocessing = try Preprocessing(
      width: input.width, height: input.height, mean: input.mean, standardDeviation: input.standardDeviation,
      tiling: tiling)
    change(&contents)
    return try Detector(contents)
  }

  /// What a frame's scoring wrote.
  private struct Outputs: Equatable {
    var scores: [Float] = []
    var arrays: [[Float]] = []
  }

  /// Frames of several sizes, each with memory for all that can be wanted of it.
  private final class Frames {
    private let pixels: [Buffer<UInt8>]
    let sizes: [(Int, Int)]
    private let rooms: [[FloatBuffer]]

    init(_ detector: Detector, sizes: [(Int, Int)]) throws {
      self.sizes = sizes
      pixels = try sizes.map { width, height in
        let buffer = try Buffer<UInt8>(count: 3 * width * height)
        let values = Generated.unit("batch/\(width)x\(height)", count: buffer.count)
        for (index, value) in values.enumerated() { buffer.base[index] = UInt8(127.5 + 127 * value) }
        return buffer
      }
      rooms = try sizes.map { width, height in
        let tiles = detector.preprocessing.tiles(frameWidth: width, frameHeight: height)
        return try [
          tiles.columns.mapLength * tiles.rows.mapLength, width * height, tiles.count * detector.positionCount,
          tiles.count * detector.featureCount,
        ].map { try FloatBuffer(count: $0) }
      }
    }

    func frame(_ index: Int) throws(Failure) -> (Frame, FrameRequest) {
      let (width, height) = sizes[index]
      var request = FrameRequest()
      let rooms = rooms[index]
      request.map = .init(rooms[0].base, capacity: rooms[0].count)
      request.frameMap = .init(rooms[1].base, capacity: rooms[1].count)
      request.logLikelihoods = .init(rooms[2].base, capacity: rooms[2].count)
      request.features = .init(rooms[3].base, capacity: rooms[3].count)
      request.regionLimit = 4
      let base = UnsafePointer(pixels[index].base)
      return (try Frame(base: base, width: width, height: height, stride: 3 * width, format: .rgb8), request)
    }

    func outputs(_ index: Int, _ result: FrameResult) -> Outputs {
      Outputs(
        scores: [result.score, result.mapMean, Float(result.regions?.count ?? -1)],
        arrays: rooms[index].map { room in (0..<room.count).map { room.base[$0] } })
    }
  }

  private func oneByOne(_ detector: Detector) throws -> [Outputs] {
    let frames = try Frames(detector, sizes: Self.sizes)
    let scorer = try FrameScorer(detector, threadCount: 1)
    return try Self.sizes.indices.map { index in
      let (frame, request) = try frames.frame(index)
      return frames.outputs(index, try scorer.score(frame, request))
    }
  }

  @Test(arguments: [nil, try? Tiling(width: 64, height: 64, overlap: 16)])
  func aBatchHasTheBitsOfSingleFrames(tiling: Tiling?) throws {
    let detector = try detector(tiling)
    let expected = try oneByOne(detector)
    for threadCount in [1, 2, 3, 8] {
      let scorer = try FrameScorer(detector, threadCount: threadCount)
      for count in [Self.sizes.count, 2, 1, 3] {
        let frames = try Frames(detector, sizes: Self.sizes)
        var found: [Outputs] = []
        try scorer.score(count: count, frame: frames.frame) { index, result in
          #expect(index == found.count)
          found.append(frames.outputs(index, result))
        }
        #expect(found == Array(expected.prefix(count)), "\(count) frames on \(threadCount) threads")
      }
    }
  }

  @Test func aFrameInTilesHasTheBitsOfOneThread() throws {
    let detector = try detector(Tiling(width: 64, height: 64, overlap: 16))
    let expected = try oneByOne(detector)
    let scorer = try FrameScorer(detector, threadCount: 2)
    let frames = try Frames(detector, sizes: Self.sizes)
    for index in Self.sizes.indices {
      let (frame, request) = try frames.frame(index)
      #expect(try frames.outputs(index, scorer.score(frame, request)) == expected[index])
    }
  }

  /// Room that is missing is noticed before the frame's tiles are computed, and the frames before it are scored.
  @Test(arguments: [1, 2]) func theFramesBeforeOneThatFailsAreScored(threadCount: Int) throws {
    let detector = try detector()
    let expected = try oneByOne(detector)
    let scorer = try FrameScorer(detector, threadCount: threadCount)
    let frames = try Frames(detector, sizes: Self.sizes)
    for failing in [0, 3, Self.sizes.count - 1] {
      var found: [Outputs] = []
      let failure = #expect(throws: Failure.self) {
        try scorer.score(count: Self.sizes.count) { (index) throws(Failure) in
          var (frame, request) = try frames.frame(index)
          if index == failing { request.map = .init(UnsafeMutablePointer(bitPattern: 64), capacity: 1) }
          return (frame, request)
        } result: { index, result in
          found.append(frames.outputs(index, result))
        }
      }
      #expect(failure?.kind == .bufferTooSmall)
      #expect(found == Array(expected.prefix(failing)))
    }
    // The scorer goes on.
    let (frame, request) = try frames.frame(0)
    #expect(try frames.outputs(0, scorer.score(frame, request)) == expected[0])
  }

  @Test func aNetworkThatDivergesFailsInABatchToo() throws {
    let detector = try detector { contents in
      contents.calibration = try? Calibration(levelMaxima: [-1e4, -1, -1], total: 3, threshold: 1, scores: [])
    }
    let frames = try Frames(detector, sizes: Self.sizes)
    var count = 0
    let failure = #expect(throws: Failure.self) {
      try FrameScorer(detector, threadCount: 2).score(count: 4, frame: frames.frame) { _, _ in count += 1 }
    }
    #expect(failure?.kind == .diverged && count == 0)
  }
}
