import Scoring

/// How many images get which verdict, at the detector's own thresholds. The property names, in snake case, are those of
/// the JSON object.
struct Decisions: Codable, Equatable {
  struct Counts: Codable, Equatable {
    var passed = 0
    var toReview = 0
    var rejected = 0

    var total: Int { passed + toReview + rejected }

    mutating func add(_ verdict: Verdict) {
      switch verdict {
      case .pass: passed += 1
      case .review: toReview += 1
      case .reject: rejected += 1
      }
    }
  }

  private(set) var good = Counts()
  private(set) var defective = Counts()

  /// Counts the verdicts about images, with whether each is defective.
  init(_ verdicts: some Sequence<(Verdict, Bool)>) {
    for (verdict, isDefective) in verdicts {
      if isDefective { defective.add(verdict) } else { good.add(verdict) }
    }
  }

  /// One sentence: a missed image is a defective one that passed, a false alarm a good one that was rejected.
  var text: String {
    let review = good.toReview + defective.toReview
    return "\(defective.passed) of \(String(defective.total, of: "defective image")) missed, "
      + "\(good.rejected) of \(String(good.total, of: "good image")) falsely rejected"
      + (review > 0 ? ", \(review) to review" : "")
  }
}
