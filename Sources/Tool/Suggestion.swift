/// Guesses the word that was meant by a mistyped one.
enum Suggestion {
  /// The nearest of the known words; nil when none is near.
  static func nearest(to word: String, of known: [String]) -> String? {
    let distances = known.map { (word: $0, distance: distance(Array(word), Array($0))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(best.word.count, word.count) / 3 ? best.word : nil
  }

  /// How many letters were left out, added, replaced or exchanged with their neighbours: the optimal string alignment
  /// distance.
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
