import Basics
import Segmentation

/// What is wanted of a frame beside its score.
package struct FrameRequest {
  /// The caller's memory, and the number of values that it has room for.
  package struct Room {
    let base: UnsafeMutablePointer<Float>
    private let capacity: Int
    /// What failures call it.
    private let name: StaticString

    /// Nil without memory.
    package init?(_ base: UnsafeMutablePointer<Float>?, capacity: Int, _ name: StaticString) {
      guard let base else { return nil }
      (self.base, self.capacity, self.name) = (base, capacity, name)
    }

    func check(holds count: Int) throws(Failure) { try checkCapacity(capacity, holds: count, name) }
  }

  /// Whether there must be a score; false: log-likelihoods and features, which a detector without calibration has too.
  package var wantsScore = true
  /// For the anomaly map at the network's scale.
  package var map: Room?
  /// For the map at the frame's size: height x width.
  package var frameMap: Room?
  /// Whether it is wanted where there is no room for it, in the scorer's own memory.
  package var wantsFrameMap = false
  /// For log p / C of all tiles one after the other: the levels' grids, finest first.
  package var logLikelihoods: Room?
  /// For the encoder's features in the same order, positions x C each.
  package var features: Room?
  /// Most regions to keep, the most severe; nil when none are looked for.
  package var regionLimit: Int?

  package init() {}

  /// Whether the scorer's own memory is to hold the map at the frame's size.
  var needsOwnFrameMap: Bool { frameMap == nil && (wantsFrameMap || regionLimit != nil) }
}

/// A frame's score, and what follows from it. What it points to lasts until the scorer's next frame.
package struct FrameResult {
  package let detector: Detector
  /// What the frame was judged by.
  package let thresholds: DecisionThresholds
  /// The maximum of the anomaly map within the region of interest; NaN when no score was wanted, like the following.
  package internal(set) var score = Float.nan
  /// Mean of the map, within the region.
  package internal(set) var mapMean = Float.nan
  /// As ``FrameScorer/lowPValue(_:)``.
  package internal(set) var lowPValue = Float.nan
  /// The map at the frame's size, where it was wanted or regions were.
  package internal(set) var frameMap: UnsafePointer<Float>?
  /// How many regions there are, and what holds the most severe and follows their contours; nil when none were looked for.
  package internal(set) var regions: (count: Int, finder: RegionFinder)?

  package var verdict: Verdict { thresholds.verdict(score, mean: mapMean) }
  /// As ``Calibration/pValue(_:)``.
  package var pValue: Float { pValue(of: score) }

  /// The same of a region's peak.
  package func pValue(of peak: Float) -> Float { detector.calibration?.pValue(peak) ?? .nan }

  init(detector: Detector, thresholds: DecisionThresholds) {
    self.detector = detector
    self.thresholds = thresholds
  }
}

/// The stages of a frame's way, in their order; those of its tiles take turns.
package enum ScoringStage: String, Sendable, CaseIterable {
  case resize, normalize, encoder, flows, map, regions
}

/// Is called when a stage has ended, on the scoring thread.
package typealias StageClock = (ScoringStage) -> Void
