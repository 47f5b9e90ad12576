/// How the scores of good and of defective images are spread.
struct ScoreHistogram {
  private let good: [Int]
  private let defective: [Int]
  private let range: ClosedRange<Double>
  private static let binCount = 30

  init(scores: [Float], labels: [UInt8]) {
    let low = Double(scores.min() ?? 0)
    let high = Double(scores.max() ?? 1)
    range = low...max(high, low + 1e-6)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: Self.binCount), count: 2)
    for (score, label) in zip(scores, labels) {
      let share = (Double(score) - low) / (range.upperBound - low)
      counts[label == 0 ? 0 : 1][min(Int(share * Double(Self.binCount)), Self.binCount - 1)] += 1
    }
    (good, defective) = (counts[0], counts[1])
  }

  /// - Parameter threshold: drawn upright when it is within the scores.
  func html(title: String, threshold: Double?) -> String {
    let highest = Double(max(good.max() ?? 0, defective.max() ?? 0, 5))
    var chart = Chart(
      title, x: Chart.Axis(name: "image score", range: range, decimals: 3),
      y: Chart.Axis(name: "images", range: 0...highest, decimals: 0))
    let width = (range.upperBound - range.lowerBound) / Double(Self.binCount)
    for (counts, name) in [(good, "good"), (defective, "defective")] {
      for (bin, count) in counts.enumerated() where count > 0 {
        let start = range.lowerBound + Double(bin) * width
        chart.addBar(start...start + width, height: Double(count), class: name)
      }
    }
    if let threshold { chart.addUpright(threshold, class: "threshold") }
    return chart.html
  }
}
