import Basics
import Encoders
import Flows
import Imaging
import Kernels
import Scoring

/// A frame's way taken stage by stage, with a clock between them. A session itself has no clocks.
struct StageTimes {
  /// Milliseconds of every frame for each stage, in the order of a frame's way.
  private var times: [(name: String, milliseconds: [Double])] = []
  private let clock = ContinuousClock()

  /// Percentiles of every stage, the sum of a frame's tiles, and of the whole.
  ///
  /// - Parameter threadCount: 1 or more.
  static func measure(
    _ detector: Detector, frameWidth: Int, frameHeight: Int, frameCount: Int, threadCount: Int
  ) throws(Failure) -> [BenchReport.Stage] {
    let preprocessing = detector.preprocessing
    let (width, height) = (preprocessing.width, preprocessing.height)
    let noise = try Self.noise(count: 3 * frameWidth * frameHeight)
    let frame = try Frame(
      base: UnsafePointer(noise.base), width: frameWidth, height: frameHeight, stride: 3 * frameWidth, format: .rgb8)
    let session = try DetectorSession(detector, threadCount: threadCount)
    let workers = try Workers(count: threadCount)
    let resizer = try preprocessing.resizer
    let normalization = Normalization(preprocessing)
    let encoder = try EncoderSession(detector.encoder, height: height, width: width, workers: workers)
    var flows: [FlowSession] = []
    for flow in detector.flows { flows.append(try FlowSession([flow], workers: workers)) }
    let pixels = try Buffer<UInt8>(count: 3 * width * height)
    let input = try FloatBuffer(count: 3 * width * height)
    let likelihoods = try FloatBuffer(count: detector.positionCount)
    let anomalyMap = try AnomalyMap(detector, region: nil)
    let layout = try anomalyMap.layout(frameWidth: frameWidth, frameHeight: frameHeight)
    let map = try FloatBuffer(count: frameWidth * frameHeight)

    var stages = StageTimes()
    let warmUp = 3
    for index in 0..<frameCount + warmUp {
      if index == warmUp { stages.times = [] }
      try Interrupt.check()
      stages.beginFrame()
      for tile in 0..<layout.tiles.count {
        let part = frame.part(layout.tiles.rectangle(tile))
        try stages.time("resize") { () throws(Failure) in try resizer.resize(part, into: pixels.base) }
        try stages.time("normalize") { () throws(Failure) in
          normalization.apply(pixels.base, pixelCount: width * height, into: input.base)
        }
        try stages.time("encoder") { () throws(Failure) in encoder.run(input.base) }
        var values = likelihoods.base
        for (level, flow) in flows.enumerated() {
          try stages.time("flow \(level)") { () throws(Failure) in
            flow.logLikelihoods(features: { _ in encoder.features(level) }, into: values)
          }
          values += detector.levels[level].positions
        }
        guard let calibration = detector.calibration else { continue }
        try stages.time("map") { () throws(Failure) in
          anomalyMap.add(
            tile: tile, of: layout, logLikelihoods: likelihoods.base, levelMaxima: calibration.levelMaxima)
        }
      }
      if let calibration = detector.calibration {
        try stages.time("map") { () throws(Failure) in
          _ = anomalyMap.invert(layout, total: calibration.total)
          layout.resample(anomalyMap.values, into: map.base)
        }
      }
      try stages.time("whole") { () throws(Failure) in
        // The session's own: it may have a region.
        let layout = try session.layout(for: frame)
        for tile in 0..<layout.tiles.count { try session.run(tile: tile, of: frame, layout) }
        guard detector.calibration != nil else { return }
        _ = try session.computeScore(layout)
        layout.resample(session.map, into: map.base)
      }
    }
    return stages.percentiles
  }

  private mutating func beginFrame() { for stage in times.indices { times[stage].milliseconds.append(0) } }

  /// Adds the time to the stage's of the frame.
  private mutating func time(_ name: String, _ stage: () throws(Failure) -> Void) throws(Failure) {
    let start = clock.now
    try stage()
    let milliseconds = 1000 * (clock.now - start).seconds
    if let index = times.firstIndex(where: { $0.name == name }) {
      times[index].milliseconds[times[index].milliseconds.count - 1] += milliseconds
    } else {
      times.append((name, [milliseconds]))
    }
  }

  /// The whole comes last.
  private var percentiles: [BenchReport.Stage] {
    (times.filter { $0.name != "whole" } + times.filter { $0.name == "whole" }).map { name, milliseconds in
      let sorted = milliseconds.sorted()
      // The smallest time that so many per cent of the frames stayed within.
      func percentile(_ percent: Int) -> Double {
        sorted[(percent * sorted.count + 99) / 100 - 1].rounded(toDigits: 4)
      }
      return BenchReport.Stage(name: name, p50: percentile(50), p90: percentile(90), p99: percentile(99))
    }
  }

  private static func noise(count: Int) throws(Failure) -> Buffer<UInt8> {
    let bytes = try Buffer<UInt8>(count: count)
    var random = Random(seed: 0, purpose: "bench")
    for i in 0..<count { bytes.base[i] = UInt8(truncatingIfNeeded: random.next()) }
    return bytes
  }
}
