import Basics
import Imaging
import Segmentation

/// What is wanted of a frame.
package struct FrameRequest {
  /// An array of the caller's, and the number of values that it has room for.
  package struct Output {
    let base: UnsafeMutablePointer<Float>
    private let capacity: Int

    /// Nil when `base` is nil.
    package init?(_ base: UnsafeMutablePointer<Float>?, capacity: Int) {
      guard let base else { return nil }
      (self.base, self.capacity) = (base, capacity)
    }

    /// - Parameter name: what failures call it.
    func check(holds count: Int, _ name: StaticString) throws(Failure) {
      try checkCapacity(capacity, holds: count, name)
    }
  }

  /// Whether there must be a score. False for log-likelihoods and features alone, which need no calibration.
  package var wantsScore = true
  /// Receives the anomaly map at the network's scale.
  package var map: Output?
  /// Receives the map at the frame's size: height x width.
  package var frameMap: Output?
  /// Whether the map at the frame's size is wanted in the scorer's own memory, when ``frameMap`` is nil.
  package var wantsFrameMap = false
  /// Receives log p / C of all tiles one after the other: the levels' grids, finest first.
  package var logLikelihoods: Output?
  /// Receives the encoder's features in the same order, positions x C each.
  package var features: Output?
  /// How many regions to keep at most, the most severe ones; nil when none are looked for.
  package var regionLimit: Int?

  package init() {}

  /// Fails with `.bufferTooSmall` when an array has less room than a frame of this size needs.
  package func checkRoom(_ detector: Detector, frameWidth: Int, frameHeight: Int) throws(Failure) {
    let tiles = detector.preprocessing.tiles(frameWidth: frameWidth, frameHeight: frameHeight)
    try checkRoom(detector, tiles, frameWidth: frameWidth, frameHeight: frameHeight)
  }

  func checkRoom(_ detector: Detector, _ tiles: TileGrid, frameWidth: Int, frameHeight: Int) throws(Failure) {
    // None of these products overflows: a map that is too large has no layout, there are at most 2^24 tiles, and the levels of one
    // fit in memory.
    try map?.check(holds: tiles.columns.mapLength &* tiles.rows.mapLength, "map")
    try frameMap?.check(holds: frameWidth &* frameHeight, "frame_map")
    try logLikelihoods?.check(holds: tiles.count &* detector.positionCount, "log_likelihoods")
    try features?.check(holds: tiles.count &* detector.featureCount, "features")
  }
}

/// A frame's score and what follows from it. Its pointers are valid until the scorer's next frame.
package struct FrameResult {
  package let detector: Detector
  /// The thresholds that the frame was judged by.
  package let thresholds: DecisionThresholds
  /// The maximum of the anomaly map within the region of interest. NaN when no score was wanted, like the next three.
  package internal(set) var score = Float.nan
  /// The mean of the map within the region of interest.
  package internal(set) var mapMean = Float.nan
  /// The p-value of the score: ``Calibration/pValue(_:)``.
  package internal(set) var pValue = Float.nan
  /// The p-value for low scores; NaN also in another region of interest than the calibration's.
  package internal(set) var lowPValue = Float.nan
  package internal(set) var verdict = Verdict.pass
  /// The map at the frame's size; nil unless it or regions were wanted.
  package internal(set) var frameMap: UnsafePointer<Float>?
  /// Nil when none were looked for.
  package internal(set) var regions: FoundRegions?

  /// The p-value of a score or of a region's peak. It is not inlined, since its copy of the calibration takes much of a small stack.
  @inline(never)
  package func pValue(of peak: Float) -> Float { detector.calibration?.pValue(peak) ?? .nan }

  init(detector: Detector, thresholds: DecisionThresholds) {
    self.detector = detector
    self.thresholds = thresholds
  }
}

/// The stages of scoring a frame, in their order. With tiles those up to `map` repeat for each one. `map` ends once more after
/// the verdict, the copy of the map and the map at the frame's size.
package enum ScoringStage: String, Sendable, CaseIterable {
  case resize, normalize, encoder, flows, map, regions
}

/// Is told on the scoring thread when a stage has ended.
package typealias StageObserver = (ScoringStage) -> Void
