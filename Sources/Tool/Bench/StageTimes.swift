import Basics
import Imaging
import Scoring

/// Measures frames and their stages in milliseconds.
private final class StageTimes {
  /// The time of every frame so far, and of every batch by its number of frames.
  private var wholes: [Double] = []
  private var batches: [Double] = []
  private var stages: [ScoringStage: [Double]] = [:]
  private let clock = ContinuousClock()
  private var start = ContinuousClock.now
  /// When the last stage ended.
  private var last = ContinuousClock.now

  func beginStages() {
    for stage in stages.keys { stages[stage]?.append(0) }
    last = clock.now
  }

  func end(_ stage: ScoringStage) {
    let now = clock.now
    let milliseconds = 1000 * (now - last).seconds
    last = now
    guard let count = stages[stage]?.count else { return stages[stage] = [milliseconds] }
    stages[stage]?[count - 1] += milliseconds
  }

  func begin() { start = clock.now }

  func endFrame() { wholes.append(1000 * (clock.now - start).seconds) }

  func endBatch(of count: Int) { batches.append(1000 * (clock.now - start).seconds / Double(count)) }

  func forget() { (wholes, batches, stages) = ([], [], [:]) }

  /// The percentiles of all stages, then of the whole frame, and of one of a batch.
  var percentiles: [BenchReport.Stage] {
    let names = ScoringStage.allCases.compactMap { stage in stages[stage].map { (stage.rawValue, $0) } }
    let rows = names + [("whole", wholes)] + (batches.isEmpty ? [] : [("in a batch", batches)])
    return rows.map { name, milliseconds in
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
  /// Percentiles of every stage, summed over a frame's tiles, and of the whole frame, for frames of noise. A frame is scored
  /// once by stages, all threads sharing each, and once as a host does it.
  ///
  /// - Parameter batchCount: frames of a batch, which is measured too; 1 for none.
  static func stages(
    _ detector: Detector, frameWidth: Int, frameHeight: Int, frameCount: Int, batchCount: Int, threadCount: Int
  ) throws(Failure) -> [Stage] {
    let noise = try noise(count: 3 * frameWidth * frameHeight)
    let frame = try Frame(
      base: UnsafePointer(noise.base), width: frameWidth, height: frameHeight, stride: 3 * frameWidth, format: .rgb8)
    let scorer = try FrameScorer(detector, threadCount: threadCount)
    var request = FrameRequest()
    request.wantsScore = detector.calibration != nil
    request.wantsFrameMap = true
    let times = StageTimes()
    let warmUp = 3
    for index in 0..<frameCount + warmUp {
      if index == warmUp { times.forget() }
      try Interrupt.check()
      scorer.stageEnded = { times.end($0) }
      times.beginStages()
      _ = try scorer.score(frame, request)
      scorer.stageEnded = nil
      times.begin()
      _ = try scorer.score(frame, request)
      times.endFrame()
      guard batchCount > 1 else { continue }
      times.begin()
      try scorer.score(count: batchCount) { _ in
        (frame, request)
      } result: { _, _ in
      }
      times.endBatch(of: batchCount)
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
