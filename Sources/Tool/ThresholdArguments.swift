import ArgumentParser
import Basics
import Scoring

/// The options of all commands that set thresholds.
struct ThresholdArguments: ParsableArguments {
  private static let defaults = CalibrationOptions()

  @Option(
    name: .customLong("false-reject-rate"),
    help: ArgumentHelp("Wanted share of good frames that the threshold rejects, 0 to 0.5.", valueName: "share"))
  var falseRejectRate = defaults.falseRejectRate

  @Option(
    name: .customLong("review-rate"),
    help: ArgumentHelp(
      "Wanted share of good frames above a second, lower threshold, from which on they are to be looked at: the false "
        + "reject rate to 0.5, or 0 for none.", valueName: "share"))
  var reviewRate = defaults.reviewRate

  @Option(
    name: .customLong("low-rate"),
    help: ArgumentHelp(
      "Wanted share of good frames below a low threshold, 0 to 0.5: a score lower than nearly every good frame's is as "
        + "strange as one that is higher.", valueName: "share"))
  var lowRate = defaults.lowRate

  @Option(
    name: .customLong("low-verdict"),
    help: ArgumentHelp(
      "Verdict about frames below the low threshold; pass: there is no low threshold.", valueName: "verdict"))
  var lowVerdict = Choice(defaults.lowVerdict)

  @Option(
    name: .customLong("pixel-rate"),
    help: ArgumentHelp(
      "Wanted share of good frames' pixels above the threshold of heat maps, 0 to 0.5.", valueName: "share"))
  var pixelRate = defaults.pixelRate

  @Option(
    name: .customLong("smoothing"),
    help: ArgumentHelp(
      "Standard deviation of a Gaussian that smooths maps before scores are taken from them, 0 (none) to 64 pixels of the "
        + "network's input. (default: as the detector has it; in a new one 4 pixels of 256 when its flows start at a "
        + "Gaussian, else 0)", valueName: "pixels"))
  var smoothing: Float?

  @Option(
    name: .customLong("threshold-rule"),
    help: ArgumentHelp(
      "How the threshold is chosen: for the false reject rate (conformal), or with --defective for the largest F1 (f1) or "
        + "the lowest cost (cost).", valueName: "rule"))
  var rule = Rule.conformal

  @Option(
    name: .customLong("miss-cost"),
    help: ArgumentHelp(
      "With --threshold-rule cost: what a missed defective frame costs in rejected good ones, times how many defective "
        + "frames come to each good one, 1e-6 to 1e6.", valueName: "cost"))
  var missCost = 10.0

  @Option(
    name: .customLong("defective"),
    help: ArgumentHelp(
      "Images of defective parts to choose the threshold by, or folders of them; may be repeated.",
      valueName: "folder"))
  var defective: [String] = []

  enum Rule: String, ExpressibleByArgument, CaseIterable { case conformal, f1, cost }

  func set(_ options: inout CalibrationOptions) {
    options.falseRejectRate = falseRejectRate
    options.reviewRate = reviewRate
    options.lowRate = lowRate
    options.lowVerdict = lowVerdict.value
    options.pixelRate = pixelRate
    options.smoothing = smoothing.map(Double.init)
    switch rule {
    case .conformal: options.rule = .conformal
    case .f1: options.rule = .bestF1
    case .cost: options.rule = .lowestCost(miss: missCost)
    }
  }

  func validate() throws {
    var options = Self.defaults
    set(&options)
    do throws(Failure) { try options.validate() } catch { throw ValidationError(error.message) }
    if rule != .conformal, defective.isEmpty {
      throw ValidationError("the threshold rule \(rule.rawValue) needs --defective")
    }
  }
}

extension Verdict: Named {
  var name: String { "\(self)" }
}
