import Basics

extension Evaluation {
  /// Area under the ROC curve: the share of pairs (defective, good) in which the defective one has the higher score,
  /// ties counting half. Mann-Whitney's U / (positives * negatives), exact in whole numbers.
  ///
  /// Time is linear in the count; memory is 8 bytes per score, here and in the other two measures of scores.
  ///
  /// - Parameters:
  ///   - scores: finite, higher is more anomalous.
  ///   - labels: 0 good, anything else defective; both must occur.
  /// - Returns: 0...1.
  package static func auroc(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> Double
  {
    let ranked = try RankedScores(scores: scores, labels: labels)
    var halfPairs = 0
    var negativesBelow = 0
    ranked.forEachScore { _, positives, negatives in
      halfPairs += positives * (2 * negativesBelow + negatives)
      negativesBelow += negatives
    }
    return Double(halfPairs) / Double(2 * ranked.positives * ranked.negatives)
  }

  package static func auroc(scores: [Float], labels: [UInt8]) throws(Failure) -> Double {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in try auroc(scores: scores, labels: labels) }
  }

  /// The score that, as "defective at this score and above", gives the largest F1 = 2 TP / (2 TP + FP + FN): a point of
  /// the precision-recall curve. Of several the lowest.
  package static func f1Max(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> (threshold: Float, f1: Double)
  {
    let ranked = try RankedScores(scores: scores, labels: labels)
    var truePositives = ranked.positives
    var predicted = ranked.count
    // The best F1 as a fraction, compared by cross-multiplication: no rounding decides between thresholds.
    var best = (threshold: Float.nan, numerator: -1, denominator: 1)
    ranked.forEachScore { score, positives, negatives in
      let denominator = predicted + ranked.positives
      if 2 * truePositives * best.denominator > best.numerator * denominator {
        best = (score, 2 * truePositives, denominator)
      }
      truePositives -= positives
      predicted -= positives + negatives
    }
    return (best.threshold, Double(best.numerator) / Double(best.denominator))
  }

  package static func f1Max(scores: [Float], labels: [UInt8]) throws(Failure) -> (threshold: Float, f1: Double) {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in
      try f1Max(scores: scores, labels: labels)
    }
  }

  /// Average precision: over all distinct scores as thresholds, "defective at this score and above", the sum of the
  /// precision TP / (TP + FP) times the recall TP / (TP + FN) that the threshold adds. A step function's area, without
  /// interpolation: scikit-learn's average_precision_score.
  ///
  /// Parameters as of ``auroc(scores:labels:)``. Returns more than 0, up to 1.
  package static func averagePrecision(scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<UInt8>)
    throws(Failure) -> Double
  {
    let ranked = try RankedScores(scores: scores, labels: labels)
    var truePositives = ranked.positives
    var predicted = ranked.count
    var sum = 0.0
    ranked.forEachScore { _, positives, negatives in
      sum += Double(positives) * (Double(truePositives) / Double(predicted))
      truePositives -= positives
      predicted -= positives + negatives
    }
    return sum / Double(ranked.positives)
  }

  package static func averagePrecision(scores: [Float], labels: [UInt8]) throws(Failure) -> Double {
    try withBuffers(scores, labels) { (scores, labels) throws(Failure) in
      try averagePrecision(scores: scores, labels: labels)
    }
  }
}

/// Calls the body with both arrays' memory.
func withBuffers<Result>(
  _ scores: [Float], _ labels: [UInt8],
  _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
) throws(Failure) -> Result {
  try scores.withUnsafeBufferPointer { (scores) throws(Failure) in
    try labels.withUnsafeBufferPointer { (labels) throws(Failure) in try body(scores, labels) }
  }
}
