/// The words and the bar of a progress report.
struct ProgressLine {
  private let progress: Progress
  /// The time since the stage began.
  private let seconds: Double
  /// How much of ``Progress/done`` was done when the stage began.
  private let doneBefore: Int

  init(_ progress: Progress, seconds: Double, doneBefore: Int = 0) {
    self.progress = progress
    self.seconds = seconds
    self.doneBefore = doneBefore
  }

  /// E.g. "training     50%  epoch 3/6  loss 0.6931  12.5 frames/s  0:08 left".
  var plain: String { ([head] + details).joined(separator: "  ") }

  /// The line with a bar in it that fills the room. It is shorter than `width`, so that it can be redrawn in place.
  func bar(width: Int) -> String {
    let room = width - 1 - plain.count - 4
    guard room >= 5 else { return String(plain.prefix(max(width - 1, 0))) }
    let cells = min(room, 40)
    let full = Int(Double(cells) * fraction)
    let bar = "[" + String(repeating: "#", count: full) + String(repeating: ".", count: cells - full) + "]"
    return ([head, bar] + details).joined(separator: "  ")
  }

  private var fraction: Double {
    progress.total > 0 ? min(Double(progress.done) / Double(progress.total), 1) : 1
  }

  /// The percentages of all stages end in the same column; the longest name, "calibrating", is followed by a blank too.
  private var head: String { progress.stage.padded(to: 11) + "\(Int(100 * fraction))%".aligned(to: 5) }

  private var details: [String] {
    var details: [String] = []
    if let fit = progress.fit {
      details.append("\(fit.areSteps ? "step" : "epoch") \(fit.epoch)/\(fit.epochs)")
      // There is no loss before the first step.
      if progress.done > doneBefore { details.append("loss \(String(Double(fit.loss), decimals: 4))") }
    }
    guard seconds > 0, progress.done > doneBefore else { return details }
    let rate = Double(progress.done - doneBefore) / seconds
    details.append("\(String(rate, decimals: 1)) \(progress.fit?.areSteps == true ? "steps/s" : "frames/s")")
    if !progress.isFinished {
      details.append("\(String(seconds: Double(progress.total - progress.done) / rate)) left")
    }
    return details
  }
}
