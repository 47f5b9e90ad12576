import Basics
import DataSets
import Rendering
import Scoring

/// The results of a detector on a class's test images, by both protocols.
struct ClassEvaluation {
  let name: String
  /// The detector's file.
  let model: String
  let scored: ScoredImages
  let paper: ProtocolResult
  /// Nil for a detector that is not calibrated.
  let deployed: ProtocolResult?

  /// Measures the maps. Per pixel of all maps it takes 4 bytes for images and masks, 4 for the maps, and 8 while
  /// measuring. The detector is not needed any more.
  init(name: String, model: String, _ scored: ScoredImages) throws(Failure) {
    self.name = name
    self.model = model
    self.scored = scored
    let maps = try Buffer<Float>(count: scored.images.count * scored.images.pixelCount)
    paper = try .paper(scored, maps: maps)
    deployed = try .deployed(scored, maps: maps)
  }

  /// The verdict about an image, at the detector's own thresholds; nil when it has none.
  func verdict(_ index: Int) -> Verdict? {
    deployed.map { DecisionThresholds(scored.calibration).verdict($0.scores[index], mean: mean($0, index)) }
  }

  /// The mean of an image's map, for the threshold of means; NaN with a region of interest, since whole maps are measured here.
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

  /// How maps are drawn: as by `cflowad score --overlay`; for a detector without constants up to the highest score,
  /// with a line at the best threshold.
  var overlay: Overlay {
    get throws(Failure) {
      if deployed != nil, let scale = scored.calibration?.mapScale {
        return try Overlay(low: scale.low, high: scale.high, threshold: scale.threshold)
      }
      // Images at the best threshold count as found, but a contour is around values above it.
      return try Overlay(
        low: 0, high: max(paper.scores.max() ?? 1, 1e-6),
        threshold: paper.measures.pixelThreshold.map { Float($0).nextDown })
    }
  }

  /// The deployed protocol, or the paper's if there is none.
  var shown: ProtocolResult { deployed ?? paper }

  var defectiveCount: Int { scored.images.labels.reduce(0) { $0 + Int($1) } }
}
