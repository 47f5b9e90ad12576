import Basics
import Execution
import Imaging
import Scoring

/// A detector before it became one of 8 bits, and what changed by that.
struct QuantizedDetector {
  /// In float32, with the calibration that it came with.
  let original: DetectorContents
  let rangeCount: Int
  let passes: Int
  /// Nil until the detector is calibrated.
  var report: QuantizationReport?
  /// The original with the calibration that the report compares by; nil until then.
  var calibratedOriginal: DetectorContents?
}

extension Trainer {
  /// What ``quantize(passes:_:)`` changed; nil before calibration.
  package var quantization: QuantizationReport? { quantized?.report }

  /// The detector in float32, calibrated by the same frames as the one of 8 bits; nil before calibration.
  package var float32Detector: Detector? {
    get throws(Failure) {
      guard let contents = quantized?.calibratedOriginal else { return nil }
      return try Detector(contents, workers: workers)
    }
  }

  /// Calibrates the original as the detector of 8 bits was, and compares how the two judge the frames held back and the
  /// defective examples. Does nothing for a trainer that has not quantized.
  func compareQuantized(
    _ calibration: Calibration, _ options: CalibrationOptions, _ handler: TrainingProgress.Handler?
  ) throws(Failure) {
    guard var original = quantized?.original, let rangeCount = quantized?.rangeCount, let passes = quantized?.passes
    else { return }
    original.calibration = try frames.calibration(of: original, options, workers: workers, handler).calibration
    var own = try contents
    own.calibration = calibration
    // One detector at a time is in memory.
    let before = try frames.judged(by: original, workers)
    let after = try frames.judged(by: own, workers)
    quantized?.calibratedOriginal = original
    quantized?.report = QuantizationReport(
      rangeCount: rangeCount, passes: passes,
      good: ScorePairs(before.good, after.good), defective: ScorePairs(before.defective, after.defective))
  }
}

extension TrainingFrames {
  typealias Judgement = (score: Float, verdict: Verdict)

  /// What a detector says about the frames held back and about the defective examples.
  fileprivate func judged(
    by contents: DetectorContents, _ workers: Workers
  ) throws(Failure) -> (good: [Judgement], defective: [Judgement]) {
    let scorer = try FrameScorer(Detector(contents, workers: workers), workers: workers)
    func judge(_ frames: [PreparedFrame]) throws(Failure) -> [Judgement] {
      try frames.map { (frame) throws(Failure) in
        let result = try scorer.score(frame)
        return (result.score, result.verdict)
      }
    }
    return (try judge(calibration), try judge(defective))
  }
}

extension ScorePairs {
  fileprivate init(_ before: [TrainingFrames.Judgement], _ after: [TrainingFrames.Judgement]) {
    self.init(
      float32: before.map(\.score), int8: after.map(\.score),
      changedVerdicts: zip(before, after).count { $0.verdict != $1.verdict })
  }
}
