/// A histogram of one or several kinds of values over the same axis.
struct Histogram {
  /// What the bars' heights are.
  enum Height { case count, percent }

  /// Values of one kind.
  struct Series {
    let name: String
    let style: String
    let values: [Double]
  }

  private let axis: Axis
  private let height: Height
  private let binCount: Int
  private let series: [Series]
  private let counts: [[Int]]

  init(_ series: [Series], axis: Axis, height: Height, binCount: Int = 30) {
    (self.series, self.axis, self.height, self.binCount) = (series, axis, height, binCount)
    counts = series.map { series in
      var counts = [Int](repeating: 0, count: binCount)
      for value in series.values {
        let bin = Int(axis.place(value) * Double(binCount))
        counts[min(max(bin, 0), binCount - 1)] += 1
      }
      return counts
    }
  }

  /// The bars with their key.
  ///
  /// - Parameter name: of the upright axis.
  func chart(_ title: String, _ name: String) -> Chart {
    let scales = series.map { height == .count ? 1 : 100 / Double(max($0.values.count, 1)) }
    let highest = zip(counts, scales).map { Double($0.max() ?? 0) * $1 }.max() ?? 0
    var chart = Chart(title, x: axis, y: Axis(name, 0...max(highest, 1), smallestStep: 1))
    let width = (axis.range.upperBound - axis.range.lowerBound) / Double(binCount)
    for (index, series) in series.enumerated() {
      for (bin, count) in counts[index].enumerated() where count > 0 {
        let start = axis.range.lowerBound + Double(bin) * width
        chart.addBar(start...start + width, height: Double(count) * scales[index], style: series.style)
      }
      chart.addKey(series.name, style: series.style)
    }
    return chart
  }
}
