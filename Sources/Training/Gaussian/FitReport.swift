/// What a fit from a closed form found, for people.
package struct FitReport: Sendable {
  let start: TrainingOptions.Start
  /// The form of each level's Gaussian, finest first.
  let forms: [GaussianSelection.Form]
  /// Whether it was also fitted to the frames turned by 180 degrees.
  let hasHalfTurns: Bool
  /// How many coupling steps were planned for each level. A fit that is given this number ends with the same weights.
  package let couplingSteps: Int
  /// What each level's coupling blocks add to the mean log p / C of frames that they were not trained on; nil without any.
  let couplingGains: [Double]?

  /// A summary in one line.
  package var summary: String {
    var parts = [
      (start == .whitened ? "whitened by " : "Gaussian of ") + forms.map(\.description).joined(separator: "; ")
    ]
    if hasHalfTurns { parts.append("also of the frames turned by 180 degrees") }
    if let couplingGains {
      let gains = couplingGains.map { "\(($0 * 1000).rounded() / 1000)" }.joined(separator: ", ")
      parts.append("\(couplingSteps) coupling steps, coupling blocks that add \(gains) to the held-back log p / C")
    }
    return parts.joined(separator: ", ")
  }
}
