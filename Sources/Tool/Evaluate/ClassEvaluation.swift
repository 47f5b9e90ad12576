import Basics
import DataSets
import Rendering
import Scoring

/// A detector on a class's test images, by both protocols.
struct ClassEvaluation {
  let name: String
  /// The detector's file.
  let model: String
  let scored: ScoredImages
  let paper: ProtocolResult
  /// nil for a detector that is not calibrated.
  let deployed: ProtocolResult?

  /// Memory: 4 bytes per pixel of all maps for the images and masks, 4 for the maps, and 8 while they are measured. The
  /// detector is not needed any more.
  init(name: String, model: String, _ scored: ScoredImages) throws(Failure) {
    self.name = name
    self.model = model
    self.scored = scored
    let maps = try Buffer<Float>(count: scored.images.count * scored.images.pixelCount)
    paper = try .paper(scored, maps: maps)
    deployed = try .deployed(scored, maps: maps)
  }

  /// Of an image, at the detector's own thresholds; nil when it has none.
  func verdict(_ index: Int) -> Verdict? {
    deployed.map { DecisionThresholds(scored.calibration).verdict($0.scores[index], mean: mean($0, index)) }
  }

  /// Of an image's map, as the threshold of means knows it: NaN with one for a region, since maps are measured whole.
  private func mean(_ deployed: ProtocolResult, _ index: Int) -> Float {
    scored.calibration?.regionOfInterest == nil ? deployed.means[index] : .nan
  }

  /// Whether an image has its verdict because its score is below the low threshold.
  func isTooLow(_ index: Int) -> Bool {
    deployed.map { DecisionThresholds(scored.calibration).isTooLow($0.scores[index]) } ?? false
  }

  /// Whether an image has its verdict because its map is high all over.
  func isStrangeAllOver(_ index: Int) -> Bool {
    deployed.map {
      DecisionThresholds(scored.calibration).isStrangeAllOver($0.scores[index], mean: mean($0, index))
    } ?? false
  }

  /// The verdict in words: "review, too low".
  func verdictText(_ index: Int) -> String? {
    verdict(index).map {
      "\($0)" + (isTooLow(index) ? ", too low" : isStrangeAllOver(index) ? ", all over" : "")
    }
  }

  /// Nil when the detector has no threshold.
  var decisions: Decisions? {
    deployed.map { _ in
      Decisions(
        scored.images.samples.indices.compactMap { index in
          verdict(index).map { ($0, scored.images.samples[index].isDefective) }
        })
    }
  }

  /// How its maps are drawn: as `cflowad score --overlay` does it, or without constants of its own up to the highest
  /// score, with a line at the best threshold.
  var overlay: Overlay {
    get throws(Failure) {
      if deployed != nil, let scale = scored.calibration?.mapScale {
        return try Overlay(low: scale.low, high: scale.high, threshold: scale.threshold)
      }
      // The best threshold finds what is at it and above, a contour what is above.
      return try Overlay(
        low: 0, high: max(paper.scores.max() ?? 1, 1e-6),
        threshold: paper.measures.pixelThreshold.map { Float($0).nextDown })
    }
  }

  /// What the product would give, or else the paper's.
  var shown: ProtocolResult { deployed ?? paper }

  var defectiveCount: Int { scored.images.labels.reduce(0) { $0 + Int($1) } }
}
