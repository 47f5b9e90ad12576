import Basics

/// Constants frozen from good frames that were not trained on, so that a frame is scored independently of others, and
/// the thresholds for its score and its map.
package struct Calibration: Sendable, Equatable {
  /// Per level, finest first: the largest log p / C over the calibration frames.
  package let levelMaxima: [Double]
  /// The largest value over the calibration frames of the sum of exp(log p / C - maximum), levels upsampled.
  package let total: Double
  /// Score above which a frame is rejected.
  package private(set) var threshold: Float
  /// Score above which a frame that is not rejected is to be reviewed; nil when there is no such verdict.
  package private(set) var reviewThreshold: Float?
  /// The threshold and the verdict for frames that score lower than good ones; nil when low scores pass, as with files from before
  /// 1.2.
  package private(set) var lowSide: LowSide?
  /// The good calibration frames' scores, in the order they were given.
  package let scores: [Float]
  /// The scores of the defective examples; empty when there were none.
  package private(set) var defectiveScores: [Float] = []
  /// The scores of frames that should not pass, one for each that was tried. A score is infinite where the network's output was
  /// not finite, so that scoring fails. A kind that was not tried is missing, as all are in files from before 1.2.
  package private(set) var strangeScores: [StrangeFrame: [Float]] = [:]
  /// The means of their maps, infinite where the scores are. Kinds whose means were not stored are missing.
  package private(set) var strangeMeans: [StrangeFrame: [Float]] = [:]
  /// Mean of the map above which a frame is strange all over and gets ``lowSide``'s verdict; nil for no such threshold,
  /// as where low scores pass.
  package private(set) var meanThreshold: Float?
  /// How the map's values are to be read.
  package var mapScale: MapScale
  /// The share of good frames that the threshold was set to reject; nil when it was set by another rule or the share was not
  /// stored.
  package private(set) var wantedRate: Double?
  /// The calibration frame that set the threshold; nil where several did or it was not stored.
  package var thresholdFrame: ThresholdFrame?
  /// Per level the mean of exp(log p / C - maximum) over the calibration frames' places: what the map rises by when the
  /// likelihood falls from a typical value to 0. Empty where they were not stored.
  package private(set) var levelMeans: [Double] = []

  /// The region in which all of this was computed; nil for whole frames.
  package var regionOfInterest: RegionOfInterest?

  /// Standard deviation of the Gaussian that the sum of levels is smoothed by, in pixels of the network's input; 0 for none,
  /// as in the original system.
  package private(set) var smoothing = 0.0

  package static let smoothings = 0.0...64.0

  /// The good scores, lowest first.
  private let ascendingScores: [Float]

  /// Makes a calibration of what files of version 1.0 hold; setters add the rest.
  package init(levelMaxima: [Double], total: Double, threshold: Float, scores: [Float]) throws(Failure) {
    guard levelMaxima.allSatisfy({ $0.isFinite }), total.isFinite, threshold.isFinite,
      scores.allSatisfy({ $0.isFinite })
    else { throw Failure(.format, "the calibration holds a value that is not finite") }
    self.levelMaxima = levelMaxima
    self.total = total
    self.threshold = threshold
    self.scores = scores
    // This is the best guess without the maps of the calibration frames.
    mapScale = try MapScale(threshold: threshold, low: 0, high: max(Float(levelMaxima.count), 1))
    ascendingScores = scores.sorted()
  }

  /// Sets another threshold, which was not chosen by the calibration frames. Lowers the review threshold if it would be higher.
  ///
  /// - Parameter wantedRate: the share of good frames that it is to reject, if the threshold follows from that.
  package mutating func setThreshold(_ threshold: Float, wantedRate: Double? = nil) throws(Failure) {
    guard threshold.isFinite else { throw Failure(.invalidArgument, "the threshold \(threshold) is not finite") }
    if let reviewThreshold { try setReviewThreshold(min(reviewThreshold, threshold)) }
    self.threshold = threshold
    try setWantedRate(wantedRate)
    thresholdFrame = nil
  }

  /// Sets the threshold for another share of good frames, as a calibration with the same frames would. Fails with `.state` when their
  /// scores were not stored.
  package mutating func setThreshold(falseRejectRate: Float) throws(Failure) {
    var options = CalibrationOptions()
    (options.falseRejectRate, options.reviewRate) = (falseRejectRate, 0)
    try options.validate()
    guard !scores.isEmpty else {
      throw Failure(.state, "the scores of the calibration's frames are not kept: no rate can be promised")
    }
    try setThreshold(
      Calibrator.conformalThreshold(scores, rate: Double(falseRejectRate)), wantedRate: Double(falseRejectRate))
  }

  /// Fails with `.format` when it is not finite or above ``threshold``.
  package mutating func setReviewThreshold(_ reviewThreshold: Float?) throws(Failure) {
    guard reviewThreshold.map({ $0 <= threshold && $0.isFinite }) ?? true else {
      throw Failure(.format, "the review threshold is above the threshold or not finite")
    }
    self.reviewThreshold = reviewThreshold
  }

  /// Fails with `.format` when its threshold is not finite or its verdict is to pass.
  package mutating func setLowSide(_ side: LowSide?) throws(Failure) {
    guard side.map({ $0.threshold.isFinite && $0.verdict != .pass }) ?? true else {
      throw Failure(.format, "the low threshold is not finite, or frames below it pass")
    }
    lowSide = side
  }

  /// Fails with `.format` when a score or mean is NaN or negatively infinite, or a kind has no scores or another number
  /// of means.
  package mutating func setStrangeScores(
    _ scores: [StrangeFrame: [Float]], means: [StrangeFrame: [Float]] = [:]
  ) throws(Failure) {
    for (kind, values) in [scores, means].flatMap({ $0 }) {
      guard !values.isEmpty, values.allSatisfy({ $0 > -.infinity }), values.count == scores[kind]?.count else {
        throw Failure(.format, "the scores of frames of the kind \(kind.rawValue) are missing or not numbers")
      }
    }
    (strangeScores, strangeMeans) = (scores, means)
  }

  /// Fails with `.format` when it is not finite, or there is no ``lowSide`` whose verdict it could give.
  package mutating func setMeanThreshold(_ threshold: Float?) throws(Failure) {
    guard threshold.map({ $0.isFinite && lowSide != nil }) ?? true else {
      throw Failure(.format, "the threshold of maps' means is not finite, or frames above it pass")
    }
    meanThreshold = threshold
  }

  /// Sets ``meanThreshold`` halfway from the highest mean of good frames to the lowest of black, white, grey and noisy ones, so
  /// that these do not pass whatever the scores are. Sets none where the two overlap, or where low scores pass.
  ///
  /// - Parameter highest: the highest mean of the calibration frames. Since the threshold is not below it, a new good frame
  ///   exceeds it with probability at most 1 / (frames + 1).
  package mutating func setMeanThreshold(above highest: Float) throws(Failure) {
    let lowest = StrangeFrame.blankKinds.flatMap { strangeMeans[$0, default: []] }.min() ?? .infinity
    guard lowSide != nil, highest < lowest, lowest.isFinite else { return try setMeanThreshold(nil) }
    let middle = highest / 2 + lowest / 2
    try setMeanThreshold(middle < lowest ? max(middle, highest) : highest)
  }

  /// Fails with `.format` when it is not within 0...1.
  package mutating func setWantedRate(_ rate: Double?) throws(Failure) {
    guard rate.map({ (0...1).contains($0) }) ?? true else { throw Failure(.format, "a rate is not within 0 to 1") }
    wantedRate = rate
  }

  /// Fails with `.format` when their number is not that of the levels, or one is negative or not finite.
  package mutating func setLevelMeans(_ means: [Double]) throws(Failure) {
    guard means.isEmpty || means.count == levelMaxima.count, means.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw Failure(.format, "the levels' means are not one number of at least 0 for each level")
    }
    levelMeans = means
  }

  /// Fails with `.format` when it is not within ``smoothings``.
  package mutating func setSmoothing(_ smoothing: Double) throws(Failure) {
    guard Self.smoothings.contains(smoothing) else {
      throw Failure(.format, "the map's smoothing \(smoothing) is not within \(Self.smoothings) pixels")
    }
    self.smoothing = smoothing
  }

  /// Fails with `.format` when one is not finite.
  package mutating func setDefectiveScores(_ scores: [Float]) throws(Failure) {
    guard scores.allSatisfy({ $0.isFinite }) else {
      throw Failure(.format, "a defective frame's score is not finite")
    }
    defectiveScores = scores
  }

  /// The split-conformal p-value of a new frame's score, or of a region's peak within it: the share of good frames that score
  /// as high, the new one counted among them. A good frame has p <= a with probability at most a (Vovk, Gammerman and Shafer,
  /// "Algorithmic Learning in a Random World", 2005; see ``ConformalPromise``). NaN when the scores were not stored.
  package func pValue(_ score: Float) -> Float {
    guard !ascendingScores.isEmpty else { return .nan }
    return Float(Double(1 + count(notBelow: score)) / Double(1 + ascendingScores.count))
  }

  /// The p-value for low scores: the share of good frames that score as low, the new one counted among them. A good
  /// frame has p <= a with probability at most a. NaN when the scores were not stored.
  package func lowPValue(_ score: Float) -> Float {
    guard !ascendingScores.isEmpty else { return .nan }
    let notAbove = ascendingScores.count - count(notBelow: score.nextUp)
    return Float(Double(1 + notAbove) / Double(1 + ascendingScores.count))
  }

  /// The largest share of new good frames below a low threshold, on average over calibrations, by the low p-values. NaN
  /// when the scores were not stored.
  package func promisedRate(below lowThreshold: Float) -> Double {
    guard !ascendingScores.isEmpty else { return .nan }
    let below = ascendingScores.count - count(notBelow: lowThreshold)
    return Double(1 + below) / Double(1 + ascendingScores.count)
  }

  /// The largest share of new good frames above a threshold, on average over calibrations, by the p-values. NaN when the scores
  /// were not stored.
  ///
  /// For a threshold that was itself chosen by these scores this is an estimate and no promise, unless it is the conformal one.
  package func promisedRate(above threshold: Float) -> Double {
    promise(above: threshold)?.rate ?? .nan
  }

  /// What a threshold that was set without the calibration's frames promises about new good ones. Of the calibration's frames
  /// the number above it is then binomial, and ``ConformalPromise/likelyRate`` is the upper bound of Clopper and Pearson
  /// (Biometrika 26, 1934) for the line's rate. Nil when the scores were not stored.
  package func promise(above threshold: Float) -> ConformalPromise? {
    ascendingScores.isEmpty
      ? nil
      : ConformalPromise(frameCount: ascendingScores.count, rejectedRanks: 1 + count(notBelow: threshold.nextUp))
  }

  /// How many calibration scores are at least this.
  private func count(notBelow score: Float) -> Int {
    var (low, high) = (0, ascendingScores.count)
    while low < high {
      let middle = (low + high) / 2
      if ascendingScores[middle] < score { low = middle + 1 } else { high = middle }
    }
    return ascendingScores.count - low
  }
}

/// Scores that are too low for a good frame. What the network has never seen may look more regular to it than any good frame.
package struct LowSide: Sendable, Equatable {
  /// Score below which a frame is not passed.
  package let threshold: Float
  /// The mildest verdict that it gets: `.review` or `.reject`.
  package let verdict: Verdict

  package init(threshold: Float, verdict: Verdict) {
    self.threshold = threshold
    self.verdict = verdict
  }
}

/// How the values of anomaly maps are to be read, by all pixels of the calibration frames.
package struct MapScale: Sendable, Equatable {
  /// Value above which a pixel is taken for anomalous.
  package let threshold: Float
  /// Value up to which a pixel is drawn as normal.
  package let low: Float
  /// Value of a pixel that is drawn as fully anomalous; above `low`.
  package let high: Float

  package init(threshold: Float, low: Float, high: Float) throws(Failure) {
    guard threshold.isFinite, low.isFinite, high.isFinite, low < high else {
      throw Failure(.format, "the scale \(low)...\(high) of maps, threshold \(threshold), is not finite and rising")
    }
    self.threshold = threshold
    self.low = low
    self.high = high
  }
}
