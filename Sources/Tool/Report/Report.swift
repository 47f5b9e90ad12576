import Basics
import Evaluation

/// The report of `cflowad evaluate --html`: one page that needs no other file.
struct Report {
  private var sections: [String] = []

  /// Draws a class.
  mutating func add(_ evaluation: ClassEvaluation) throws(Failure) {
    let paper = evaluation.paper
    let deployed = evaluation.deployed
    let unit = 0.0...1.0
    var charts = ""
    for (title, curve) in [
      ("ROC curve of image scores", \Curves.imageROC), ("ROC curve of pixels", \Curves.pixelROC),
    ] where paper.curves[keyPath: curve] != nil {
      var chart = Chart(
        title, x: Chart.Axis(name: "share of good ones found", range: unit),
        y: Chart.Axis(name: "share of defective ones found", range: unit))
      chart.add(paper.curves[keyPath: curve], class: "paper")
      chart.add(deployed?.curves[keyPath: curve], class: "deployed")
      charts += chart.html
    }
    if paper.curves.overlap != nil {
      var chart = Chart(
        "PRO curve", x: Chart.Axis(name: "share of good pixels found", range: 0...Evaluation.overlapLimit, decimals: 2),
        y: Chart.Axis(name: "mean share of a region found", range: unit))
      chart.add(paper.curves.overlap, class: "paper")
      chart.add(deployed?.curves.overlap, class: "deployed")
      charts += chart.html
    }
    let threshold = evaluation.scored.calibration?.threshold
    charts += ScoreHistogram(scores: evaluation.shown.scores, labels: evaluation.scored.images.labels)
      .html(title: "Scores as deployed; the detector's threshold upright", threshold: threshold.map { Double($0) })
    let images = evaluation.scored.images
    sections.append(
      """
      <h2>\(HTML.escaped(evaluation.name))</h2>
      <p>\(HTML.escaped(evaluation.model)): \(images.width) x \(images.height) pixels; \
      \(images.count - evaluation.defectiveCount) good and \(evaluation.defectiveCount) defective images.\
      \(images.truth == nil ? " Pixels are not measured: not all defective images have masks." : "")</p>
      <p><span class="key" style="background: #1f6f8b"></span>paper protocol, good images\
      <span class="key" style="background: #c8553d"></span>deployed protocol, defective images</p>
      <div class="row">
      \(charts)</div>
      \(try WorstImages(evaluation).html)
      """)
  }

  /// The page.
  func html(_ summary: EvaluationSummary) -> String {
    let head = ["class", "protocol"] + Measures.columns.map { $0.title.lowercased() }
    let rows = summary.rows.map { row in
      [row.name, row.protocol] + Measures.columns.map { percent(row.measures[keyPath: $0.value]) }
    }
    let body = """
      <p>In percent. The paper's protocol scales maps by the extremes of the whole test set; deployed are the constants \
      frozen at calibration, which every image is scored with by itself. AUPRO is the area under the per-region-overlap \
      curve up to 30 % false positives, as the original and as the field computes it.</p>
      \(HTML.table([head] + rows))
      <p>Below: heat is the anomaly map, up to the highest score of all images; the cyan line is around what is at least as high as the threshold of the largest \
      pixel F1, or above the detector's where there are no masks; the green line is around what is truly defective.</p>
      \(sections.joined(separator: "\n"))
      """
    return HTML.page(title: "CFLOW-AD evaluation", body: body)
  }
}
