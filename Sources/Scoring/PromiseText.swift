import Basics

/// What a threshold promises about good frames, in words for the people at a line.
package struct PromiseText {
  let frameCount: Int
  /// The share of good frames that may be rejected, as it was asked for.
  let wantedRate: Double

  package init(frameCount: Int, wantedRate: Double) {
    self.frameCount = frameCount
    self.wantedRate = wantedRate
  }

  /// The promise in one sentence.
  package var text: String {
    let promise = ConformalPromise(frameCount: frameCount, wantedRate: wantedRate)
    let share = "about \(Self.share(promise.rate)) good frames"
    if let needed = ConformalPromise.framesNeeded(wantedRate: wantedRate), needed > frameCount {
      return "\(share) may be rejected: \(String(frameCount, of: "calibration frame")) cannot support "
        + "\(Self.percent(wantedRate)), which needs \(needed)"
    }
    return Self.text(promise)
  }

  /// The sentence for a promise that is kept.
  package static func text(_ promise: ConformalPromise) -> String {
    "about \(share(promise.rate)) good frames will be rejected (\(percent(promise.rate)) on average over calibrations, "
      + "at most \(percent(promise.likelyRate)) after 95 of 100 of them)"
  }

  /// The sentence for a threshold that was chosen by defective frames, which promises nothing.
  package static func estimate(_ rate: Double) -> String {
    "about \(share(rate)) good frames will be rejected, as far as the calibration frames tell (\(percent(rate)))"
  }

  /// A share that people can picture: "1 of 100", "2 of 5". Its error is at most a fiftieth of the share, and its numerator the
  /// smallest one with which that is so.
  package static func share(_ rate: Double) -> String {
    guard rate > 0, rate < 1 else { return rate > 0 ? "all" : "none of the" }
    for numerator in 1...100 {
      let denominator = (Double(numerator) / rate).rounded()
      let isClose = abs(Double(numerator) / denominator - rate) <= 0.02 * rate
      // A share below 1 is not "1 of 1".
      if isClose, denominator > Double(numerator), denominator < 1e15 { return "\(numerator) of \(Int(denominator))" }
    }
    return "\(percent(rate)) of the"
  }

  /// "1 %", "0.5 %": with up to two decimals.
  package static func percent(_ rate: Double) -> String {
    var text = String(100 * rate, decimals: 2)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text + " %"
  }
}
