/// The published numbers beside ours.
struct ReproductionTable {
  struct Row {
    let line: PublishedLine
    /// The record of each seed.
    let records: [RunRecord]
  }

  let rows: [Row]

  private static let measures:
    [(
      name: String, published: any KeyPath<PublishedLine, Double> & Sendable,
      ours: any KeyPath<Measures, Double?> & Sendable
    )] =
      [
        ("IMAGE AUROC", \.imageAUROC, \.imageAUROC), ("PIXEL AUROC", \.pixelAUROC, \.pixelAUROC),
        ("AUPRO", \.auproPaper, \.auproPaper),
      ]

  /// A line for each class and one for the mean, in percent, with two lines of head.
  var text: [String] {
    let isMany = rows.contains { $0.records.count > 1 }
    let wide = isMany ? 15 : 6
    let table = Table(
      widths: [rows.reduce(7) { max($0, $1.line.name.count) }, 9] + Self.measures.flatMap { _ in [6, wide, wide] })
    let head = table.row(["", ""] + Self.measures.flatMap { ["\($0.name)", "", ""] })
    let titles = table.row(["CLASS", "INPUT"] + Self.measures.flatMap { _ in ["PAPER", "LAST", "BEST*"] })
    let lines = rows.map { row in
      table.row(
        [row.line.name, row.records.first.map { "\($0.settings.width)x\($0.settings.height)" } ?? ""]
          + Self.measures.flatMap { measure in
            [
              String(row.line[keyPath: measure.published], decimals: 2),
              Spread(row.records.map { $0.last(measure.ours) }).text,
              Spread(row.records.map { $0.best(measure.ours) }).text,
            ]
          })
    }
    return [head, titles] + lines + (rows.count > 1 ? [table.row(["average", ""] + averages)] : [])
  }

  /// The classes' means: of the paper's numbers, and of ours seed by seed.
  private var averages: [String] {
    let seeds = rows.map(\.records.count).min() ?? 0
    func spread(_ value: (RunRecord) -> Double?) -> Spread {
      Spread(
        (0..<seeds).map { seed in
          let values = rows.compactMap { value($0.records[seed]) }
          return values.count == rows.count ? values.reduce(0, +) / Double(rows.count) : nil
        })
    }
    return Self.measures.flatMap { measure in
      [
        String(rows.reduce(0) { $0 + $1.line[keyPath: measure.published] } / Double(rows.count), decimals: 2),
        spread { $0.last(measure.ours) }.text, spread { $0.best(measure.ours) }.text,
      ]
    }
  }

  /// Mean and sample deviation over the seeds.
  struct Spread {
    private(set) var mean: Double?
    /// Nil for a single value.
    private(set) var deviation: Double?

    /// - Parameter values: 0...1; none when one is missing.
    init(_ values: [Double?]) {
      let known = values.compactMap { $0 }
      guard !known.isEmpty, known.count == values.count else { return }
      let mean = known.reduce(0, +) / Double(known.count)
      self.mean = mean
      guard known.count > 1 else { return }
      let squares = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = (squares / Double(known.count - 1)).squareRoot()
    }

    var text: String { percent(mean) + (deviation.map { " +- " + percent($0) } ?? "") }
  }
}
