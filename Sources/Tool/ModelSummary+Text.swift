import Flows
import Scoring

extension ModelSummary {
  /// The summary as text: a line for each item, without a line end after the last.
  var text: String {
    let rows = rows
    let table = Table(widths: [rows.reduce(0) { max($0, $1.0.count) }])
    return rows.map { table.row($0.0, $0.1) }.joined(separator: "\n")
  }

  /// The items' names and values.
  var rows: [(String, String)] {
    var rows = [
      ("file", "\(file), \(String(byteCount: fileBytes)), written \(modified)"),
      ("fingerprint", fingerprint),
    ]
    if let identity { rows.append(("identity", identity)) }
    rows += [
      ("kind", kind == .encoder ? "encoder, to train a detector from" : "detector"),
      ("encoder", "\(architecture), padding \(padding), \(encoderParameters) parameters in \(precision)"),
      (
        "input",
        "\(String(pixels: input.width, input.height)), resized as by \(input.resample), mean \(list(input.mean)), sd "
          + list(input.standardDeviation)
      ),
    ]
    if input.window != [0, 1] {
      rows.append(("window", "\(input.window[0]) to \(input.window[1]) of samples of more than 8 bits"))
    }
    if let tiles {
      rows.append(("tiles", "\(String(pixels: tiles.width, tiles.height)) of the frame, \(tiles.overlap) shared"))
    }
    for (index, level) in levels.enumerated() {
      rows.append(
        (
          "level \(index)",
          "\(String(width: level.width, height: level.height)) positions, \(level.channels) channels, at \(level.tap)"
        ))
    }
    if let flow {
      rows.append(("flows", flow.text))
      rows.append(("calibration", calibration?.text ?? "none: it gives log-likelihoods, but no scores"))
    }
    if let calibration {
      rows.append(("threshold", calibration.thresholdText))
      if let reviewThreshold = calibration.reviewThreshold { rows.append(("review", number(reviewThreshold))) }
      if let text = calibration.lowSideText { rows.append(("low", text)) }
      if let share = calibration.regionOfInterest {
        rows.append(("region", "\(String(100 * share, decimals: 1)) % of the frame count"))
      }
      rows.append(
        (
          "maps",
          "threshold \(number(calibration.pixelThreshold)), drawn from \(number(calibration.mapLow)) to "
            + number(calibration.mapHigh)
            + (calibration.mapSmoothing > 0
              ? ", smoothed by a Gaussian of \(number(Float(calibration.mapSmoothing))) pixels" : "")
        ))
      rows.append(("strange frames", calibration.strangeFramesText))
      rows.append(("constants", "total \(calibration.total), level maxima \(list(calibration.levelMaxima))"))
    }
    if let sessionBytes { rows.append(("session", "\(String(byteCount: sessionBytes)) of scratch memory")) }
    if let verification { rows += verification.rows }
    for (index, line) in (advice ?? []).enumerated() { rows.append((index == 0 ? "advice" : "", line)) }
    return rows + provenanceRows
  }

  /// The texts that are stored in the model. In a detector that was trained here, what the exporter wrote is about the
  /// encoder alone, which may have been exported at another input size.
  private var provenanceRows: [(String, String)] {
    let exported = kind == .detector && provenance["training"] != nil ? "encoder made" : "made"
    let names = [
      "source": "\(exported) from", "source_sha256": "\(exported) from SHA-256", "options": "\(exported) with",
      "versions": "\(exported) by",
    ]
    return provenance.map { (names[$0.key] ?? $0.key, $0.value) }.sorted { $0.0 < $1.0 }
  }

  private func list<Number>(_ numbers: [Number]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
}

extension ModelSummary.Flow {
  fileprivate var text: String {
    let start = start == FlowDescription.Start.gaussian.rawValue ? "a Gaussian for each position of each level, " : ""
    guard blocks > 0 else { return "\(start)no coupling blocks, \(parameters) parameters" }
    return start + String(blocks, of: "coupling block") + ", "
      + (conditionChannels > 0 ? "\(conditionChannels) condition channels" : "unconditional")
      + ", \(permutation) permutation, \(clamp) with alpha \(clampAlpha), \(parameters) parameters"
  }
}

extension ModelSummary.Calibration {
  fileprivate var text: String {
    guard let lowestScore, let medianScore, let highestScore else {
      return "yes, from frames whose scores are not kept"
    }
    return "\(String(frames, of: "frame")), scores from \(number(lowestScore)) to \(number(highestScore)), "
      + "median \(number(medianScore))"
      + (defectiveFrames > 0 ? ", and \(String(defectiveFrames, of: "defective frame"))" : "")
  }

  fileprivate var thresholdText: String {
    number(threshold)
      + (promisedRate.map {
        ": about \(PromiseText.share($0)) good frames may be rejected (\(PromiseText.percent($0)))"
      }
        ?? "")
  }

  /// Nil when low scores pass.
  fileprivate var lowSideText: String? {
    guard let lowThreshold, let lowVerdict else { return nil }
    return "\(lowVerdict) below \(number(lowThreshold))"
      + (lowPromisedRate.map { ", where up to \(String(100 * $0, decimals: 2)) % of good frames may be" } ?? "")
  }

  fileprivate var strangeFramesText: String {
    guard let strangeFrames else { return "not tried: it is not known which ones pass" }
    return Verdict.allCases.compactMap { verdict in
      let kinds = strangeFrames.filter { $0.verdicts.min() == verdict }.map(\.kind.rawValue)
      return kinds.isEmpty ? nil : "\(verdict): \(kinds.joined(separator: ", "))"
    }.joined(separator: "; ")
  }
}

private func number(_ value: Float) -> String { String(Double(value), decimals: 6) }
