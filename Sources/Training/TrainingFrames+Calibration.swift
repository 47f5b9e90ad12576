import Basics
import Execution
import Imaging
import Scoring

extension TrainingFrames {
  /// Computes a detector's frozen constants and thresholds from the frames held back, by the same code that scores frames, and
  /// what it then computes of a known frame; nil where that is not finite.
  ///
  /// - Parameter contents: the detector's contents; a calibration in them is ignored.
  /// - Throws: `.state` without calibration frames, or without defective ones for a rule that needs them, `.cancelled`,
  ///   `.diverged`.
  func calibration(
    of contents: DetectorContents, _ options: CalibrationOptions, workers: Workers, _ handler: TrainingProgress.Handler?
  ) throws(Failure) -> (calibration: Calibration, selfTest: SelfTest?) {
    guard !calibration.isEmpty else { throw Failure(.state, "no frame was added for calibration") }
    let strangeFrames = StrangeFrame.allCases.flatMap { kind in
      kind.sources(calibration).map { (kind, source: $0) }
    }
    var reporter = ProgressReporter(handler)
    var progress = TrainingProgress(
      stage: .calibrate, total: calibration.count + defective.count + strangeFrames.count)
    func reportFrame() throws(Failure) {
      progress.done += 1
      try reporter.report(progress, isImportant: progress.done == progress.total)
    }
    var contents = contents
    contents.calibration = nil
    let detector = try Detector(contents, workers: workers)
    let scorer = try FrameScorer(detector, workers: workers)
    var calibrator = Calibrator(detector)
    for (name, frames) in [("calibration", calibration), ("defective", defective)] {
      for (index, frame) in frames.enumerated() {
        do throws(Failure) {
          calibrator.add(try FrameLikelihoods(frame, by: scorer), isDefective: name == "defective")
        } catch { throw error.within("\(name) frame \(index)") }
        try reportFrame()
      }
    }
    var (found, highestMean) = try calibrator.calibrationWithMean(options)
    // A scorer with everything that was just found.
    let calibrated = try scorer.calibrated(found)
    var (scores, means) = ([StrangeFrame: [Float]](), [StrangeFrame: [Float]]())
    for (kind, source) in strangeFrames {
      let (score, mean) = try calibrated.strangeScore(kind.frame(from: source, contents.preprocessing))
      scores[kind, default: []].append(score)
      means[kind, default: []].append(mean)
      try reportFrame()
    }
    try found.setStrangeScores(scores, means: means)
    try found.setMeanThreshold(above: highestMean)
    let setters = found.scores.indices.filter { found.scores[$0] == found.threshold }
    if setters.count == 1 { found.thresholdFrame = goodForCalibration[setters[0]].label }
    // Where the self-test has no score, as with tiles and a region, the uncalibrated scorer gives its log-likelihoods.
    let tester = SelfTest.hasScore(calibrated.detector) ? calibrated : scorer
    do throws(Failure) { return (found, try SelfTest(by: tester)) } catch {
      guard error.kind == .diverged else { throw error }
      return (found, nil)
    }
  }
}
