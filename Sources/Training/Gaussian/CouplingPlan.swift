import Basics

/// How many coupling steps fit into a time.
enum CouplingPlan {
  /// The same number for each level, decided once, by steps that are timed and undone: the learning rate depends on it, so
  /// that a fit by this number of steps, given beforehand, comes to the same weights.
  static func steps(_ couplings: [CouplingTraining], within budget: TimeBudget) throws(Failure) -> Int {
    var (step, judgements) = (0.0, 0.0)
    for coupling in couplings {
      let seconds = try coupling.rehearse(budget.clock)
      step += seconds.step
      judgements += Double(CouplingTraining.judgements.count) * seconds.judgement
    }
    let count = (reserve * budget.left - judgements) / max(step, 1e-9)
    guard count >= Double(fewest) else { return 0 }
    let steps = Int(min(count, Double(TrainingOptions.couplingStepRange.upperBound)))
    // A number that is easily repeated.
    return steps < 100 ? steps : steps / 10 * 10
  }

  /// Of the time that is left this share is planned: steps are not all alike.
  private static let reserve = 0.95
  /// Fewer than these come to nothing: the rate has hardly risen when it falls again.
  private static let fewest = 20
}
