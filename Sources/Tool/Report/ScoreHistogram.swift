/// A histogram of the scores of good and of defective images.
struct ScoreHistogram {
  private let good: [Int]
  private let defective: [Int]
  private let thresholds: [Threshold]
  private let axis: Axis
  private static let binCount = 30

  /// A threshold, which is drawn as a vertical line.
  struct Threshold {
    let name: String
    let value: Double
    let style: String
  }

  init(scores: [Float], labels: [UInt8], thresholds: [Threshold]) {
    self.thresholds = thresholds
    let shown = scores.map { Double($0) } + thresholds.map(\.value)
    axis = Axis("image score", (shown.min() ?? 0)...(shown.max() ?? 1))
    var counts = [[Int]](repeating: [Int](repeating: 0, count: Self.binCount), count: 2)
    for (score, label) in zip(scores, labels) {
      let bin = Int(axis.place(Double(score)) * Double(Self.binCount))
      counts[label == 0 ? 0 : 1][min(max(bin, 0), Self.binCount - 1)] += 1
    }
    (good, defective) = (counts[0], counts[1])
  }

  func html(title: String) -> String {
    let highest = Double(max(good.max() ?? 0, defective.max() ?? 0, 1))
    var chart = Chart(title, x: axis, y: Axis("images", 0...highest, smallestStep: 1))
    let width = (axis.range.upperBound - axis.range.lowerBound) / Double(Self.binCount)
    for (counts, name) in [(good, "good"), (defective, "defective")] {
      for (bin, count) in counts.enumerated() where count > 0 {
        let start = axis.range.lowerBound + Double(bin) * width
        chart.addBar(start...start + width, height: Double(count), style: name)
      }
      chart.addKey(name, style: name)
    }
    for threshold in thresholds {
      chart.addUpright(
        threshold.value, "\(threshold.name) \(String(threshold.value, digits: 4))",
        style: "threshold \(threshold.style)")
    }
    return chart.html
  }
}
