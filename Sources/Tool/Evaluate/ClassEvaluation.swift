import Basics
import DataSets
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

  /// What the product would give, or else the paper's.
  var shown: ProtocolResult { deployed ?? paper }

  var defectiveCount: Int { scored.images.labels.reduce(0) { $0 + Int($1) } }
}
