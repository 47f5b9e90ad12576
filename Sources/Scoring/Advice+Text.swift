import Basics

/// The advice in plain words.
extension Advice {
  /// Each line is one sentence or a few.
  package var lines: [String] {
    [framesText, promiseText, moreFramesText, couplingText, levelsText, outlierText].compactMap { $0 } + strangeTexts
  }

  /// The lines as one text; empty when there is nothing to say.
  package var text: String { lines.joined(separator: "\n") }

  private var framesText: String? {
    let calibrated = calibration.map {
      "calibrated on "
        + ($0.scores.isEmpty ? "frames that are not known" : String($0.scores.count, of: "frame"))
    }
    guard let fit else { return calibrated }
    let heldBack = fit.givenCount - fit.fittedCount
    let fitted =
      "fitted to \(String(fit.fittedCount, of: "frame"))"
      + (heldBack > 0 ? ", \(heldBack) of the \(fit.givenCount) given held back" : "")
    return [fitted, calibrated].compactMap { $0 }.joined(separator: "; ")
  }

  private var promiseText: String? {
    guard let calibration, !calibration.scores.isEmpty else { return nil }
    if let wanted = calibration.wantedRate {
      return PromiseText(frameCount: calibration.scores.count, wantedRate: wanted).text
    }
    return PromiseText.estimate(calibration.promisedRate(above: calibration.threshold))
  }

  private var moreFramesText: String? {
    guard let curve = fit?.curve, let doublingGain else { return nil }
    let from =
      "from \(curve.halfCount) to \(curve.fullCount) frames the log-likelihood of others rose by "
      + "\(String(curve.gain, decimals: 2)) a channel"
    let next = "twice the frames may add about \(String(doublingGain, decimals: 2))"
    switch moreFrames {
    case .unknown: return nil
    case .hardly: return "more frames to learn from would hardly help: \(from), and \(next)"
    case .somewhat: return "more frames to learn from would help a little: \(from), and \(next)"
    case .much: return "more frames to learn from would help: \(from), and \(next)"
    }
  }

  private var couplingText: String? {
    guard let fit, startsAtGaussian || !fit.couplingGains.isEmpty else { return nil }
    guard !fit.couplingGains.isEmpty else {
      return "no coupling steps were made: --time 2m (time_budget) tries as many as two minutes have room for, and "
        + "keeps them only where good frames that they were not trained on become likelier"
    }
    let gains = fit.couplingGains.map { String(max($0, 0), decimals: 3) }.joined(separator: ", ")
    let isAny = fit.couplingGains.contains { $0 > 0 }
    return isAny
      ? "coupling steps added \(gains) a channel to the log-likelihood of frames that they were not trained on, by level"
      : "coupling steps made other good frames no likelier, and are left out"
  }

  private var levelsText: String? {
    let shares = levelShares
    guard shares.count > 1, shares.count == levels.count else { return nil }
    let parts = zip(levels, shares).map { level, share in
      "\(level.width)x\(level.height) positions \(String(100 * share, decimals: 0)) %"
    }
    return "of what a defect can raise the map by, each level has its share: " + parts.joined(separator: ", ")
  }

  private var outlierText: String? {
    guard let outlier = calibration?.outlier else { return blankText }
    let frame = outlier.frame
    let name = frame.name.isEmpty ? "frame \(frame.index), counted from 0 as they were given," : frame.name
    return "warning: \(name) scores \(String(Double(outlier.score), decimals: 2)) and alone sets the threshold; the "
      + "next one scores \(String(Double(outlier.next), decimals: 2))"
      + (outlier.isAsHighAsBlank ? ", and frames that show nothing at all score less than the first" : "")
      + ". Look at it: if it is not good, remove it and train again; if it is good, add more that are like it, to learn "
      + "from and to calibrate on. Until then defects pass that score below it"
  }

  /// The warning that some good frames score as high as blank ones. It is left out when more than half of them do, because then it
  /// is the blank frame that scores too low.
  private var blankText: String? {
    guard let calibration, let blank = calibration.lowestBlankScore, blank <= calibration.threshold,
      case let count = calibration.scores.count(where: { $0 >= blank }), count > 0,
      2 * count <= calibration.scores.count
    else { return nil }
    return "warning: \(String(count, of: "calibration frame")) of \(calibration.scores.count) "
      + "\(count == 1 ? "scores" : "score") as high as frames that show nothing at all, so that the threshold tells few "
      + "defects from good frames. Look at the frames that were held back"
  }

  /// Sentences about the strange frames that calibration tried.
  private var strangeTexts: [String] {
    guard let calibration else { return [] }
    var texts: [String] = []
    if let low = calibration.lowSide {
      let rate = String(100 * calibration.promisedRate(below: low.threshold), decimals: 2)
      texts.append(
        "a score below \(String(Double(low.threshold), decimals: 6)) is as strange as one above the threshold: verdict "
          + "\(low.verdict), for up to \(rate) % of good frames too")
    }
    if let low = calibration.lowSide, let mean = calibration.meanThreshold {
      texts.append(
        "a frame that is strange all over, with a map of mean above \(String(Double(mean), decimals: 6)), gets the verdict "
          + "\(low.verdict)")
    }
    let passed = calibration.passedKinds
    if !passed.isEmpty {
      texts.append(
        "warning: it passes \(Self.list(passed)) as good: do not trust it to notice a camera or a lamp that fails. Check "
          + "brightness and contrast of frames before they are scored"
          + (calibration.lowSide == nil ? ", or try --low-verdict review" : "")
          + "; more good frames, or more varied ones, may help")
    } else if !calibration.triedKinds.isEmpty {
      texts.append("of the strange frames that were tried it passes none: \(Self.list(calibration.triedKinds))")
    }
    let lower = calibration.lowKinds.filter { !passed.contains($0) }
    if !lower.isEmpty {
      texts.append(
        "warning: \(Self.list(lower)) \(lower.count == 1 ? "scores" : "score") lower than every good frame, so a frame "
          + "that is like this in one part only may pass. Train it on more good frames, or on more varied ones")
    }
    return texts
  }

  /// "a black frame, a white frame and a grey frame".
  private static func list(_ kinds: [StrangeFrame]) -> String { kinds.map(\.plainName).listed }
}

extension StrangeFrame {
  fileprivate var plainName: String {
    switch self {
    case .black: "a black frame"
    case .white: "a white frame"
    case .gray: "a grey frame"
    case .noise: "a frame of noise"
    case .shuffled: "a good frame whose parts have changed places"
    case .inverted: "the negative of a good frame"
    case .dark: "a good frame at a fifth of its brightness"
    case .blurred: "a good frame far out of focus"
    }
  }
}
