import Basics
import Imaging
import Kernels
import Scoring

/// Calibrates a detector: computes its frozen constants and thresholds from good frames that it was not trained on, by the
/// path that scores frames.
struct CalibrationRun {
  /// Not calibrated.
  private let detector: Detector
  private let good: [TrainingFrames.Good]
  private let defective: [PreparedFrame]
  private let scorer: FrameScorer
  private var reporter: ProgressReporter
  private var progress: TrainingProgress

  /// - Parameters:
  ///   - contents: the detector's; a calibration that it has is of no concern.
  ///   - frames: those for calibration, and the defective examples. Fails with `.state` without any of the first.
  init(
    _ contents: DetectorContents, _ frames: TrainingFrames, workers: Workers, _ reporter: ProgressReporter
  ) throws(Failure) {
    guard !frames.calibration.isEmpty else { throw Failure(.state, "no frame was added for calibration") }
    var contents = contents
    contents.calibration = nil
    detector = try Detector(contents, workers: workers)
    scorer = try FrameScorer(detector, workers: workers)
    (good, defective) = (frames.goodForCalibration, frames.defective)
    self.reporter = reporter
    progress = TrainingProgress(stage: .calibrate, total: 0)
  }

  /// - Throws: `.state` without defective frames for a rule that needs them, `.cancelled`, `.diverged`.
  mutating func calibration(_ options: CalibrationOptions) throws(Failure) -> Calibration {
    let frames = good.map(\.frame)
    let strangeFrames = StrangeFrame.allCases.flatMap { kind in kind.sources(frames).map { (kind, source: $0) } }
    progress.total = frames.count + defective.count + strangeFrames.count
    var calibrator = Calibrator(detector)
    for (name, frames) in [("calibration", frames), ("defective", defective)] {
      for (index, frame) in frames.enumerated() {
        do throws(Failure) {
          calibrator.add(try FrameLikelihoods(frame, by: scorer), isDefective: name == "defective")
        } catch { throw error.within("\(name) frame \(index)") }
        try reportFrame()
      }
    }
    var (calibration, highestMean) = try calibrator.calibrationWithMean(options)
    // With all that was just found.
    let calibrated = try scorer.calibrated(calibration)
    var (scores, means) = ([StrangeFrame: [Float]](), [StrangeFrame: [Float]]())
    for (kind, source) in strangeFrames {
      let (score, mean) = try calibrated.strangeScore(kind.frame(from: source, detector.preprocessing))
      scores[kind, default: []].append(score)
      means[kind, default: []].append(mean)
      try reportFrame()
    }
    try calibration.setStrangeScores(scores, means: means)
    try calibration.setMeanThreshold(above: highestMean)
    let setters = calibration.scores.indices.filter { calibration.scores[$0] == calibration.threshold }
    if setters.count == 1 { calibration.thresholdFrame = good[setters[0]].label }
    return calibration
  }

  private mutating func reportFrame() throws(Failure) {
    progress.done += 1
    try reporter.report(progress, isImportant: progress.done == progress.total)
  }
}
