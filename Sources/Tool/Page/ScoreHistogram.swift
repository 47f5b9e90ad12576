import Scoring

/// A histogram of scores, with the thresholds as upright lines.
struct ScoreHistogram {
  private let histogram: Histogram
  private let thresholds: [Threshold]
  /// What the scores and thresholds lie on.
  let axis: Axis

  /// A threshold, which is drawn as a vertical line.
  struct Threshold {
    let name: String
    let value: Double
    let style: String

    /// Those of a detector, or with another one in place of its own.
    static func all(of thresholds: DecisionThresholds) -> [Threshold] {
      [
        thresholds.lowThreshold.isNaN
          ? nil : .init(name: "low threshold", value: Double(thresholds.lowThreshold), style: "low"),
        thresholds.reviewThreshold < thresholds.threshold
          ? .init(name: "review threshold", value: Double(thresholds.reviewThreshold), style: "review") : nil,
        .init(name: "threshold", value: Double(thresholds.threshold), style: "high"),
      ].compactMap { $0 }
    }
  }

  init(
    _ series: [Histogram.Series], thresholds: [Threshold], axisName: String = "image score",
    height: Histogram.Height = .count
  ) {
    self.thresholds = thresholds
    let shown = series.flatMap(\.values) + thresholds.map(\.value)
    axis = Axis(axisName, (shown.min() ?? 0)...(shown.max() ?? 1))
    histogram = Histogram(series, axis: axis, height: height)
  }

  func html(title: String, heightName: String = "images") -> String {
    var chart = histogram.chart(title, heightName)
    for threshold in thresholds {
      chart.addUpright(
        threshold.value, "\(threshold.name) \(String(threshold.value, digits: 4))",
        style: "threshold \(threshold.style)")
    }
    return chart.html
  }
}
