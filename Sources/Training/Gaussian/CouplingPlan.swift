import Basics

/// Plans how many coupling steps fit into a time budget.
enum CouplingPlan {
  /// The number of steps, the same for each level. It is decided once, by timing a few steps that are undone, because
  /// the learning rate depends on it: a fit that is given this number comes to the same weights.
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
    // A round number is easier to repeat.
    return steps < 100 ? steps : steps / 10 * 10
  }

  /// The share of the time left that is planned, since not all steps take equally long.
  private static let reserve = 0.95
  /// With fewer steps than this no couplings are trained: the learning rate rises and falls over them, and in so few it falls before
  /// anything is learnt.
  private static let fewest = 20
}
