import Training

/// The words and the bar of a progress report.
struct ProgressLine {
  private let progress: TrainingProgress
  /// Since the stage began.
  private let seconds: Double

  init(_ progress: TrainingProgress, seconds: Double) {
    self.progress = progress
    self.seconds = seconds
  }

  /// E.g. "training     50%  epoch 3/6  loss 0.6931  12.5 frames/s  0:08 left".
  var plain: String { ([head] + details).joined(separator: "  ") }

  /// The same with a bar in between, as wide as there is room for, and shorter than `width`, so that it is redrawn in
  /// place.
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

  private var head: String {
    let name =
      switch progress.stage {
      case .encode: "encoding"
      case .fit: "training"
      case .calibrate: "calibrating"
      }
    let percent = "\(Int(100 * fraction))%"
    return name.padded(to: 11) + String(repeating: " ", count: 4 - percent.count) + percent
  }

  private var details: [String] {
    var details: [String] = []
    if progress.stage == .fit {
      details.append("epoch \(progress.epoch)/\(progress.epochs)")
      details.append("loss \(String(Double(progress.loss), decimals: 4))")
    }
    guard seconds > 0, progress.done > 0 else { return details }
    let rate = Double(progress.done) / seconds
    details.append("\(String(rate, decimals: 1)) frames/s")
    if progress.done < progress.total {
      details.append("\(String(seconds: Double(progress.total - progress.done) / rate)) left")
    }
    return details
  }
}
