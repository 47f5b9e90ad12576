import Scoring

/// What is to be said of a calibration about frames that are not like the good ones, in plain words.
struct TrustNotes {
  let texts: [String]

  init(_ calibration: Calibration) {
    var texts: [String] = []
    if let low = calibration.lowSide {
      let rate = String(100 * calibration.promisedRate(below: low.threshold), decimals: 2)
      texts.append(
        "a score below \(String(Double(low.threshold), decimals: 6)) is as strange as one above the threshold: verdict "
          + "\(low.verdict), for up to \(rate) % of good frames too")
    }
    let passed = calibration.passedKinds
    if !passed.isEmpty {
      texts.append(
        "warning: it passes \(Self.list(passed)) as good: do not trust it to notice a camera or a lamp that fails. Check "
          + "brightness and contrast of frames before they are scored"
          + (calibration.lowSide == nil ? ", or try --low-verdict review" : "")
          + "; more good frames, or more varied ones, may help")
    }
    let lower = calibration.lowKinds.filter { !passed.contains($0) }
    if !lower.isEmpty {
      texts.append(
        "warning: \(Self.list(lower)) \(lower.count == 1 ? "scores" : "score") lower than every good frame, so a frame "
          + "that is like this in one part only may pass. Train it on more good frames, or on more varied ones")
    }
    self.texts = texts
  }

  /// "a black frame, a white frame and a grey frame".
  private static func list(_ kinds: [StrangeFrame]) -> String {
    let names = kinds.map(\.plainName)
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
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
    }
  }
}
