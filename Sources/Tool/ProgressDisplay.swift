import Basics
import Training

/// Shows progress on standard error: on a terminal a bar that is redrawn, elsewhere plain lines, at most one a second.
/// A fit reports each finished sub-epoch, and the last report of a stage is always shown.
final class ProgressDisplay {
  private let isTerminal = Output.isErrorTerminal
  private let clock = ContinuousClock()
  private var pace: ProgressPace
  private var lastLine: ContinuousClock.Instant?
  private var lastEpoch = 0
  private var isLineOpen = false
  /// Whether a fit's epochs are coupling steps.
  var countsSteps = false

  init() { pace = ProgressPace(now: clock.now) }

  /// A handler for the trainer, which also passes on Ctrl-C.
  var handler: TrainingProgress.Handler {
    { [self] progress in
      show(Progress(progress, countsSteps: countsSteps))
      return Interrupt.isPending
    }
  }

  func show(_ progress: Progress) {
    let now = clock.now
    if pace.meets(progress, now: now) {
      close()
      (lastLine, lastEpoch) = (nil, progress.fit?.epoch ?? 0)
      if let fit = progress.fit, fit.epoch > 0 {
        Output.note(
          "the training goes on: \(fit.epoch) of \(fit.epochs) "
            + (fit.areSteps ? "coupling steps" : "passes over the frames") + " were done before")
      }
    }
    let line = ProgressLine(progress, seconds: (now - pace.start).seconds, doneBefore: pace.doneBefore)
    if isTerminal {
      Output.status("\r\(line.bar(width: Self.terminalWidth))\u{1B}[K")
      isLineOpen = true
    } else if isDue(progress, now) {
      Output.status(line.plain + "\n")
      lastLine = now
      lastEpoch = progress.fit?.epoch ?? 0
    }
    if progress.isFinished { close() }
  }

  /// A message between progress reports.
  func note(_ text: String) {
    close()
    Output.note(text)
  }

  /// Ends a bar's line, so that what follows begins a new one.
  func close() {
    if isLineOpen { Output.status("\n") }
    isLineOpen = false
  }

  private func isDue(_ progress: Progress, _ now: ContinuousClock.Instant) -> Bool {
    if let fit = progress.fit {
      // The last frame is reported before the last sub-epoch is finished.
      guard fit.epoch > lastEpoch else { return false }
      if fit.epoch == fit.epochs { return true }
    } else if progress.isFinished {
      return true
    }
    return now - (lastLine ?? pace.start) >= .seconds(1)
  }

  private static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
