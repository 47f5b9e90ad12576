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

  /// Memory beside the detector: 4 bytes per pixel of all images for the maps, 4 for the images, and up to 10 while they
  /// are measured.
  init(
    name: String, model: String, _ detector: Detector, _ images: TestImages, threadCount: Int
  ) throws(Failure) {
    self.name = name
    self.model = model
    scored = try ScoredImages(detector, images, threadCount: threadCount)
    let maps = try Buffer<Float>(count: images.count * images.pixelCount)
    paper = try .paper(scored, maps: maps)
    deployed = try .deployed(scored, maps: maps)
  }

  /// What the product would give, or else the paper's.
  var shown: ProtocolResult { deployed ?? paper }

  var defectiveCount: Int { scored.images.labels.reduce(0) { $0 + Int($1) } }
}
