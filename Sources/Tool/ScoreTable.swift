import Basics

/// What `cflowad score` prints for people.
struct ScoreTable {
  private let table: Table

  init(_ paths: [String]) {
    table = Table(widths: [paths.reduce(4) { max($0, $1.shown.count) }, 9, 8])
  }

  var head: String { table.row("FILE", "SCORE", "P-VALUE", "VERDICT") }

  /// A line for the frame and one for each of the regions listed.
  func lines(_ frame: ScoredFrame) -> [String] {
    let line = table.row(
      frame.file, String(Double(frame.score), decimals: 6), number(frame.isLow ? frame.lowPValue : frame.pValue),
      "\(frame.verdict)" + (frame.isLow ? ", low" : frame.isStrangeAllOver ? ", all over" : ""))
    guard let regions = frame.regions else { return [line] }
    let list = regions.list.map { region in
      table.row(
        "  \(region.text)",
        String(Double(region.peak), decimals: 6), number(region.pValue))
    }
    let rest = regions.count - regions.list.count
    return [line] + list + (rest > 0 ? ["  and \(String(rest, of: "region")) more"] : [])
  }

  private func number(_ pValue: Float?) -> String { pValue.map { String(Double($0), decimals: 6) } ?? "-" }
}
