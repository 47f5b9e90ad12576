import Basics
import Imaging
import Scoring

/// Measures frames and their stages in milliseconds, by the scorer's clock.
private final class StageTimes {
  /// The time of every frame so far.
  private var wholes: [Double] = []
  private var stages: [ScoringStage: [Double]] = [:]
  private let clock = ContinuousClock()
  private var begin = ContinuousClock.now
  /// When the last stage ended.
  private var last = ContinuousClock.now

  func beginFrame() {
    for stage in stages.keys { stages[stage]?.append(0) }
    begin = clock.now
    last = begin
  }

  func end(_ stage: ScoringStage) {
    let now = clock.now
    let milliseconds = 1000 * (now - last).seconds
    last = now
    guard let count = stages[stage]?.count else { return stages[stage] = [milliseconds] }
    stages[stage]?[count - 1] += milliseconds
  }

  func endFrame() { wholes.append(1000 * (clock.now - begin).seconds) }

  func forget() { (wholes, stages) = ([], [:]) }

  /// The percentiles of all stages, then of the whole frame.
  var percentiles: [BenchReport.Stage] {
    let names = ScoringStage.allCases.compactMap { stage in stages[stage].map { (stage.rawValue, $0) } }
    return (names + [("whole", wholes)]).map { name, milliseconds in
      let sorted = milliseconds.sorted()
      // The smallest time that this percentage of the frames did not exceed.
      func percentile(_ percent: Int) -> Double {
        sorted[(percent * sorted.count + 99) / 100 - 1].rounded(toDigits: 4)
      }
      return BenchReport.Stage(name: name, p50: percentile(50), p90: percentile(90), p99: percentile(99))
    }
  }
}

extension BenchReport {
  /// Percentiles of every stage, summed over a frame's tiles, and of the whole frame, for frames of noise.
  static func stages(
    _ detector: Detector, frameWidth: Int, frameHeight: Int, frameCount: Int, threadCount: Int
  ) throws(Failure) -> [Stage] {
    let noise = try noise(count: 3 * frameWidth * frameHeight)
    let frame = try Frame(
      base: UnsafePointer(noise.base), width: frameWidth, height: frameHeight, stride: 3 * frameWidth, format: .rgb8)
    let scorer = try FrameScorer(detector, threadCount: threadCount)
    var request = FrameRequest()
    request.wantsScore = detector.calibration != nil
    request.wantsFrameMap = true
    let times = StageTimes()
    scorer.clock = { times.end($0) }
    let warmUp = 3
    for index in 0..<frameCount + warmUp {
      if index == warmUp { times.forget() }
      try Interrupt.check()
      times.beginFrame()
      _ = try scorer.score(frame, request)
      times.endFrame()
    }
    return times.percentiles
  }

  private static func noise(count: Int) throws(Failure) -> Buffer<UInt8> {
    let bytes = try Buffer<UInt8>(count: count)
    var random = Random(seed: 0, purpose: "bench")
    for i in 0..<count { bytes.base[i] = UInt8(truncatingIfNeeded: random.next()) }
    return bytes
  }
}
