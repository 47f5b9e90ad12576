import Basics
import FoundationEssentials
import Scoring

/// The page of `cflowad serve` at one moment and with one threshold. Parts with the attribute `data-part` are what live.js renews.
struct LivePage {
  let snapshot: LiveLine.Snapshot
  /// The detector's calibration with the threshold that is looked at.
  let chosen: Calibration
  let pages: LivePages

  private var own: DecisionThresholds { DecisionThresholds(snapshot.calibration) }
  private var thresholds: DecisionThresholds { DecisionThresholds(chosen) }
  private var scored: [LiveFrame.Scored] { snapshot.frames.compactMap(\.scored) }

  var html: String {
    HTML.page(
      title: pages.title,
      scripts: "<script src=\"/page.js\" defer></script>\n<script src=\"/live.js\" defer></script>", body: body)
  }

  private var body: String {
    let scores = ScoreHistogram(
      [
        .init(name: "good frames of the calibration", style: "good", values: chosen.scores.map { Double($0) }),
        .init(name: "last frames", style: "last", values: scored.map { Double($0.score) }),
      ].filter { !$0.values.isEmpty }, thresholds: uprights, axisName: "score", height: .percent)
    return """
      <header class="top"><h1>\(HTML.escaped(pages.title))</h1>
      <p id="status" data-part>\(status)</p></header>
      <main>
      <section class="panel" aria-labelledby="threshold-title">
      <h2 id="threshold-title">Threshold</h2>
      \(choice)
      \(slider(scores.axis.range))
      <div id="scores" data-part>\(scores.html(title: "Scores", heightName: "share in %"))</div>
      <p id="promise" data-part aria-live="polite">\(promise)</p>
      <p id="changes" data-part aria-live="polite">\(changes)</p>
      \(exportForm)
      <div id="p-values" data-part>\(pValues)</div>
      </section>
      <section aria-labelledby="frames-title">
      <div class="heading"><h2 id="frames-title">Last frames</h2>\(filter)</div>
      \(HeatScale.html(pages.overlay))
      <div class="gallery" id="gallery">
      \(cards)</div>
      <p id="empty" data-part>\(snapshot.frames.isEmpty ? "There are no frames yet. They appear here as they come." : "")</p>
      </section>
      </main>
      <footer>cflowad \(Tool.version)\(snapshot.identity.map { ", detector \($0.prefix(12))" } ?? "")</footer>
      """
  }

  // MARK: What there is

  private var status: String {
    if let trouble = snapshot.trouble { return "<b class=\"wrong\">\(HTML.escaped(trouble))</b>" }
    let failed = snapshot.frames.count - scored.count
    let last = snapshot.frames.last.map { ", the last at \(HTML.time($0.time))" } ?? ""
    return "\(String(snapshot.count, of: "frame")) from \(HTML.escaped(pages.source))\(last)"
      + (failed > 0 ? "; \(failed) of those shown could not be scored" : "")
  }

  private var uprights: [ScoreHistogram.Threshold] {
    let own = Double(self.own.threshold)
    return (isOwn ? [] : [.init(name: "detector's own", value: own, style: "own")])
      + ScoreHistogram.Threshold.all(of: thresholds)
  }

  private var isOwn: Bool { chosen.threshold == snapshot.calibration.threshold }

  // MARK: The threshold

  private func slider(_ range: ClosedRange<Double>) -> String {
    "<input type=\"range\" id=\"slider\" class=\"scripted\" aria-label=\"Threshold\" min=\"\(range.lowerBound)\" "
      + "max=\"\(range.upperBound)\" step=\"any\" value=\"\(chosen.threshold)\">"
  }

  private var choice: String {
    let percent = isOwn ? "" : chosen.wantedRate.map { number(100 * $0) } ?? ""
    let rate =
      chosen.scores.isEmpty
      ? ""
      : """
      <label>or good frames rejected <span><input type="number" id="percent" name="percent" min="0" max="50" step="any" \
      value="\(percent)"> %</span></label>
      """
    return """
      <form id="choice" method="get" action="/">
      <label>Reject scores above <input type="number" id="threshold" name="threshold" step="any" \
      value="\(chosen.threshold)"></label>
      \(rate)
      <button class="unscripted">Show</button>
      <a id="own" href="/">Detector's own</a>
      </form>
      """
  }

  /// What the threshold promises about good frames.
  private var promise: String {
    guard let promise = chosen.promise(above: chosen.threshold) else {
      return
        "What share of good frames is rejected cannot be said: the model's file does not hold its calibration's scores."
    }
    let share = PromiseText.share(promise.rate)
    return
      "<b>\(share.prefix(1).uppercased())\(share.dropFirst()) good frames rejected</b>, \(PromiseText.percent(promise.rate)) "
      + "on average over calibrations, at most \(PromiseText.percent(promise.likelyRate)) after 95 of 100 of them. By "
      + "\(String(promise.frameCount, of: "calibration frame"))"
      + (promise.rejectedRanks == 1 ? ", which can promise no less." : ".")
  }

  /// Which verdicts of the last frames would be others.
  private var changes: String {
    if isOwn { return "This is the detector's own threshold." }
    var counts: [[Verdict]: Int] = [:]
    for frame in scored {
      let (old, new) = (verdict(frame, own), verdict(frame, thresholds))
      if old != new { counts[[old, new], default: 0] += 1 }
    }
    guard !counts.isEmpty else { return "None of the \(scored.count) last frames would change." }
    let list = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { "\($1) from \($0[0]) to \($0[1])" }
    return "<b>\(counts.values.reduce(0, +)) of \(String(scored.count, of: "frame")) would change</b>: "
      + list.joined(separator: ", ") + "."
  }

  private var exportForm: String {
    guard pages.export.isAllowed else {
      return
        "<p class=\"caption\">Nothing can be written from this page: other machines reach it, and neither --output nor "
        + "--in-place was given.</p>"
    }
    let output = HTML.escaped(pages.export.output.shown)
    let question = pages.export.isInPlace ? " data-question=\"Replace the threshold in \(output)?\"" : ""
    return """
      <form id="export" method="post" action="/export"\(question)>
      <input type="hidden" name="threshold" value="\(chosen.threshold)">
      <input type="hidden" name="percent" value="\(isOwn ? "" : chosen.wantedRate.map { "\(100 * $0)" } ?? "")">
      <button>\(pages.export.isInPlace ? "Write into the detector" : "Write a detector with this threshold")</button>
      <span id="message" role="status">to \(output)</span>
      </form>
      """
  }

  // MARK: Frames

  private var pValues: String {
    let values = scored.map(\.pValue).filter { !$0.isNaN }.map { Double($0) }
    guard !values.isEmpty else { return "" }
    let binCount = 20
    var chart = Histogram(
      [.init(name: "last frames", style: "last", values: values)], axis: Axis("p-value", 0...1), height: .percent,
      binCount: binCount
    ).chart("p-values", "share in %")
    chart.addLevel(100 / Double(binCount), "good frames on average", style: "expected")
    return chart.html
  }

  private var filter: String {
    let choices = [("all", "All"), ("changed", "That would change"), ("review", "To review"), ("reject", "Rejected")]
    return "<fieldset><legend>Show</legend>"
      + choices.map { value, text in
        "<label><input type=\"radio\" name=\"show\" id=\"show-\(value)\"\(value == "all" ? " checked" : "")>\(text)</label>"
      }.joined() + "</fieldset>"
  }

  private var cards: String {
    snapshot.numbered.map { number, frame in card(number, frame).html }.joined()
  }

  private func card(_ number: Int, _ frame: LiveFrame) -> FrameCard {
    var card = FrameCard(name: frame.name)
    card.id = "frame-\(number)"
    card.time = frame.time
    switch frame.outcome {
    case .failed(let message):
      card.marks = ["failed"]
      card.verdictText = "not scored"
      card.notes = [message]
    case .scored(let scored):
      let (old, new) = (verdict(scored, own), verdict(scored, thresholds))
      card.marks = ["\(new)"] + (old == new ? [] : ["changed"])
      card.pictures = [
        .init(source: "/frames/\(number)/photograph.png", description: frame.name),
        .init(source: "/frames/\(number)/heat.png", description: "heat map"),
      ]
      card.score = String(Double(scored.score), decimals: 4)
      card.verdict = new
      card.verdictText = (old == new ? "" : "\(old) → ") + "\(new)" + reason(scored)
      let isLow = thresholds.isTooLow(scored.score)
      let pValue = isLow ? scored.lowPValue : scored.pValue
      card.notes =
        (pValue.isNaN ? [] : ["\(isLow ? "low p-value" : "p-value") \(String(Double(pValue), decimals: 4))"])
        + regions(scored)
    }
    return card
  }

  private func reason(_ frame: LiveFrame.Scored) -> String {
    thresholds.isTooLow(frame.score)
      ? ", too low" : thresholds.isStrangeAllOver(frame.score, mean: frame.mapMean) ? ", all over" : ""
  }

  private func regions(_ frame: LiveFrame.Scored) -> [String] {
    let rest = frame.regionCount - frame.regions.count
    return frame.regions + (rest > 0 ? ["and \(String(rest, of: "region")) more"] : [])
  }

  private func verdict(_ frame: LiveFrame.Scored, _ thresholds: DecisionThresholds) -> Verdict {
    thresholds.verdict(frame.score, mean: frame.mapMean)
  }

  private func number(_ value: Double) -> String { "\(Float(value))" }
}
