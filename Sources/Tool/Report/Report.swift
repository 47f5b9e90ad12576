import Basics
import Evaluation
import FoundationEssentials
import Rendering
import Scoring

/// The report of `cflowad evaluate --html`: one page that needs no other file.
struct Report {
  /// How many images of each kind are shown.
  let imageLimit: Int
  private var sections: [String] = []

  init(imageLimit: Int) { self.imageLimit = imageLimit }

  /// Draws a class.
  ///
  /// - Parameter model: the summary of the detector that was evaluated.
  mutating func add(_ evaluation: ClassEvaluation, by model: ModelSummary) throws(Failure) {
    let images = evaluation.scored.images
    sections.append(
      """
      <h2>\(HTML.escaped(evaluation.name.shown))</h2>
      <p>\(String(images.count - evaluation.defectiveCount, of: "good image")) and \
      \(String(evaluation.defectiveCount, of: "defective image")), measured at \
      \(String(pixels: images.width, images.height)).\
      \(images.truth == nil ? " Pixels are not measured: not all defective images have masks." : "")</p>
      \(Self.decisions(evaluation))\
      \(HTML.details("Model: \(evaluation.model.shown), fingerprint \(model.fingerprint)", HTML.list(model.rows)))\
      <div class="row">
      \(Self.charts(evaluation))</div>
      \(try Self.scale(evaluation))\
      \(try ImageGallery(evaluation, limit: imageLimit).html)\
      \(Self.table(evaluation))
      """)
  }

  /// The page.
  ///
  /// - Parameter data: the data set's path.
  func html(_ summary: EvaluationSummary, data: String, date: Date) -> String {
    let head = ["class", "protocol"] + Measures.columns.map { Measures.heading($0.title) }
    let rows = summary.rows.map { row in
      [row.name, row.protocol] + Measures.columns.map { percent(row.measures[keyPath: $0.value]) }
    }
    let title = "CFLOW-AD evaluation"
    let body = """
      <h1>\(title)</h1>
      <p>Data set \(HTML.escaped(data.shown)); measured \(String(date)) by cflowad \(Tool.version).</p>
      \(HTML.table([head] + rows))
      <p>In percent. The paper's protocol scales maps by the extremes of the whole test set; deployed are the constants \
      frozen at calibration, which every image is scored with by itself. AUPRO is the area under the per-region-overlap \
      curve up to 30 % false positives, as the original (paper) and as the field computes it.</p>
      \(sections.joined(separator: "\n"))
      """
    return HTML.page(title: title, scripts: HTML.script, body: body)
  }

  /// What the detector decides at its own thresholds.
  private static func decisions(_ evaluation: ClassEvaluation) -> String {
    guard let decisions = evaluation.decisions, let calibration = evaluation.scored.calibration else {
      return "<p>The detector is not calibrated: it has no threshold and decides nothing.</p>\n"
    }
    let hasReview = decisions.good.toReview + decisions.defective.toReview > 0
    func row(_ name: String, _ counts: Decisions.Counts) -> [String] {
      [name, "\(counts.passed)"] + (hasReview ? ["\(counts.toReview)"] : []) + ["\(counts.rejected)"]
    }
    return HTML.table([
      ["at the detector's thresholds", "passed"] + (hasReview ? ["to review"] : []) + ["rejected"],
      row("good", decisions.good), row("defective", decisions.defective),
    ]) + "<p>\(decisions.text). \(rules(calibration)).</p>\n"
  }

  /// Which scores get which verdict: "Reject above 1.2345, review above 1.1000, review below 0.4000".
  private static func rules(_ calibration: Calibration) -> String {
    let low = calibration.lowSide.map { "\($0.verdict) below \(String(Double($0.threshold), decimals: 4)) (too low)" }
    return [
      "Reject above \(String(Double(calibration.threshold), decimals: 4))",
      calibration.reviewThreshold.map { "review above \(String(Double($0), decimals: 4))" }, low,
    ].compactMap { $0 }.joined(separator: ", ")
  }

  private static func charts(_ evaluation: ClassEvaluation) -> String {
    let paper = evaluation.paper
    let deployed = evaluation.deployed
    func chart(_ title: String, _ x: Axis, _ y: Axis, _ curve: KeyPath<Curves, Curve?>) -> String {
      guard paper.curves[keyPath: curve] != nil else { return "" }
      var chart = Chart(title, x: x, y: y)
      chart.add(paper.curves[keyPath: curve], "paper", style: "paper")
      chart.add(deployed?.curves[keyPath: curve], "deployed", style: "deployed")
      return chart.html
    }
    let unit = 0.0...1.0
    let scored = zip(evaluation.shown.scores, evaluation.scored.images.labels)
    let kinds = [("good", 0), ("defective", 1)].map { name, label in
      Histogram.Series(name: name, style: name, values: scored.filter { $1 == label }.map { Double($0.0) })
    }
    return ScoreHistogram(
      kinds,
      thresholds: deployed == nil
        ? [] : evaluation.scored.calibration.map { ScoreHistogram.Threshold.all(of: DecisionThresholds($0)) } ?? []
    ).html(title: "Scores, \(deployed == nil ? "paper" : "deployed")")
      + chart(
        "ROC curve of images", Axis("share of good images rejected", unit),
        Axis("share of defective images rejected", unit), \.imageROC)
      + chart(
        "ROC curve of pixels", Axis("share of good pixels marked", unit),
        Axis("share of defective pixels marked", unit),
        \.pixelROC)
      + chart(
        "PRO curve", Axis("share of good pixels marked", 0...Evaluation.overlapLimit),
        Axis("mean share of a region marked", unit), \.overlap)
  }

  private static func scale(_ evaluation: ClassEvaluation) throws(Failure) -> String {
    HeatScale.html(
      try evaluation.overlay,
      lines: evaluation.scored.images.truth == nil ? "" : ", and a green one around what is truly defective")
  }

  /// All images, highest scores first.
  private static func table(_ evaluation: ClassEvaluation) -> String {
    let samples = evaluation.scored.images.samples
    let scores = evaluation.shown.scores
    let order = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
    let rows = order.map { index in
      [
        samples[index].image.shown, samples[index].defect.shown, String(Double(scores[index]), decimals: 4),
        evaluation.verdictText(index) ?? "-",
      ]
    }
    return HTML.details(
      "All \(samples.count) images by score", HTML.table([["image", "kind", "score", "verdict"]] + rows))
  }
}
