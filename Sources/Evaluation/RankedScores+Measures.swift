extension RankedScores {
  /// Area under the ROC curve: the share of pairs (defective, good) in which the defective one has the higher score,
  /// ties counting half. Mann-Whitney's U / (positives * negatives), exact in whole numbers. 0...1.
  package var auroc: Double {
    var halfPairs = 0
    var negativesBelow = 0
    forEachScore { _, positives, negatives in
      halfPairs += positives * (2 * negativesBelow + negatives)
      negativesBelow += negatives
    }
    return Double(halfPairs) / Double(2 * positives * negatives)
  }

  /// The score that, as "defective at this score and above", gives the largest F1 = 2 TP / (2 TP + FP + FN): a point of
  /// the precision-recall curve. The lowest of several.
  package var f1Max: (threshold: Float, f1: Double) {
    var truePositives = positives
    var predicted = count
    // The best F1 as a fraction. Fractions are compared by cross-multiplication, so that rounding does not decide
    // between thresholds.
    var best = (threshold: Float.nan, numerator: -1, denominator: 1)
    forEachScore { score, found, wrong in
      let denominator = predicted + positives
      if 2 * truePositives * best.denominator > best.numerator * denominator {
        best = (score, 2 * truePositives, denominator)
      }
      truePositives -= found
      predicted -= found + wrong
    }
    return (best.threshold, Double(best.numerator) / Double(best.denominator))
  }

  /// Average precision: over all distinct scores as thresholds, "defective at this score and above", the sum of the
  /// precision TP / (TP + FP) times the recall TP / (TP + FN) that the threshold adds. It is the area of a step
  /// function, without interpolation: scikit-learn's average_precision_score. More than 0, up to 1.
  package var averagePrecision: Double {
    var truePositives = positives
    var predicted = count
    var sum = 0.0
    forEachScore { _, found, wrong in
      sum += Double(found) * (Double(truePositives) / Double(predicted))
      truePositives -= found
      predicted -= found + wrong
    }
    return sum / Double(positives)
  }

  /// The ROC curve, from (0, 0) to (1, 1), thinned out to the resolution.
  package func roc(resolution: Int) -> Curve {
    // Scores come in ascending order, which gives the curve from its upper end, so that it is turned around.
    var (positivesBelow, negativesBelow) = (0, 0)
    var turned = Curve(resolution: resolution)
    turned.add(rate: 0, share: 0)
    forEachScore { _, positives, negatives in
      positivesBelow += positives
      negativesBelow += negatives
      turned.add(
        rate: Double(negativesBelow) / Double(self.negatives), share: Double(positivesBelow) / Double(self.positives))
    }
    turned.end()
    return turned.turned
  }
}
