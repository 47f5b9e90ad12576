import Glibc
import Training

/// Shows how work goes on, on standard error: a bar that is redrawn on a terminal, elsewhere plain lines, at most one a
/// second: for a fit whenever a sub-epoch is finished, and always the last of a stage.
final class ProgressDisplay {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let clock = ContinuousClock()
  private var stage: TrainingProgress.Stage?
  private var stageStart: ContinuousClock.Instant
  private var lastLine: ContinuousClock.Instant?
  private var lastEpoch = 0
  private var isLineOpen = false

  init() { stageStart = clock.now }

  /// A handler for the trainer, which also takes Ctrl-C to it.
  var handler: TrainingProgress.Handler {
    { [self] progress in
      show(progress)
      return Interrupt.isPending
    }
  }

  func show(_ progress: TrainingProgress) {
    let now = clock.now
    if progress.stage != stage {
      close()
      (stage, stageStart, lastLine, lastEpoch) = (progress.stage, now, nil, 0)
    }
    let line = ProgressLine(progress, seconds: (now - stageStart).seconds)
    if isTerminal {
      Output.status("\r\(line.bar(width: Self.terminalWidth))\u{1B}[K")
      isLineOpen = true
    } else if isDue(progress, now) {
      Output.status(line.plain + "\n")
      lastLine = now
      lastEpoch = progress.epoch
    }
    if progress.done >= progress.total { close() }
  }

  /// Ends a bar's line, so that what follows begins a new one.
  func close() {
    if isLineOpen { Output.status("\n") }
    isLineOpen = false
  }

  private func isDue(_ progress: TrainingProgress, _ now: ContinuousClock.Instant) -> Bool {
    let isLast = progress.done >= progress.total
    if progress.stage == .fit {
      // The last frame is reported before the last sub-epoch is finished.
      guard progress.epoch > lastEpoch else { return false }
      if progress.epoch == progress.epochs { return true }
    } else if isLast {
      return true
    }
    return now - (lastLine ?? stageStart) >= .seconds(1)
  }

  private static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
