extension Evaluation {
  /// Spearman's rank correlation of two lists of the same length: Pearson's of the ranks, where equal values share the mean of
  /// theirs. -1...1; NaN where there are fewer than two values or one list's values are all equal.
  package static func rankCorrelation(_ first: [Float], _ second: [Float]) -> Double {
    let (a, b) = (meanRanks(first), meanRanks(second))
    guard a.count == b.count, a.count > 1 else { return .nan }
    // The mean of ranks 1...n, ties or not.
    let mean = Double(a.count + 1) / 2
    var (product, aSquare, bSquare) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - mean) * (y - mean)
      aSquare += (x - mean) * (x - mean)
      bSquare += (y - mean) * (y - mean)
    }
    return product / (aSquare * bSquare).squareRoot()
  }

  /// Ranks from 1 on in ascending order.
  private static func meanRanks(_ values: [Float]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var end = first + 1
      while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
      for index in order[first..<end] { ranks[index] = Double(first + 1 + end) / 2 }
      first = end
    }
    return ranks
  }
}
