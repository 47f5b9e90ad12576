import Basics

/// A report about a running fit or calibration: `cflowad_progress`.
package struct TrainingProgress: Sendable, Equatable {
  /// The `CFLOWAD_STAGE_` constants.
  package enum Stage: Int32, Sendable {
    case encode = 0
    case fit = 1
    case calibrate = 2
  }

  package var stage: Stage
  /// Fit: sub-epochs, or coupling steps for each level, finished.
  package var epoch = 0
  /// Fit: sub-epochs, or coupling steps for each level, in all.
  package var epochs = 0
  /// Fit: mean loss of the steps since the sub-epoch began, or that of the last coupling step.
  package var loss: Float = 0
  /// Frames (encode, calibrate), or frames times sub-epochs or coupling steps of all levels (fit).
  package var done = 0
  package var total: Int
  /// Fit: that of the last step.
  package var learningRate: Float = 0

  /// Receives reports on the calling thread; true asks to stop.
  package typealias Handler = (TrainingProgress) -> Bool
}

/// Passes reports on: important ones always, others at most four times a second.
struct ProgressReporter {
  private let handler: TrainingProgress.Handler?
  private var lastReport = -Double.infinity

  init(_ handler: TrainingProgress.Handler?) { self.handler = handler }

  /// Fails with `.cancelled` when the handler asks to stop.
  ///
  /// - Parameter isImportant: whether to report even right after the last report.
  mutating func report(_ progress: TrainingProgress, isImportant: Bool) throws(Failure) {
    guard let handler else { return }
    let now = monotonicSeconds()
    guard isImportant || now - lastReport >= 0.25 else { return }
    lastReport = now
    guard !handler(progress) else { throw Failure(.cancelled, "the progress callback asked to stop") }
  }
}

/// Seconds of a clock that is never set.
func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
}
