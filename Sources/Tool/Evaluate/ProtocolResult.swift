import Basics
import Evaluation

/// The result of one protocol on a class's test images.
struct ProtocolResult {
  /// The score of each image.
  let scores: [Float]
  /// The means of the images' maps; empty where maps have no constants of their own.
  private(set) var means: [Float] = []
  let constants: ScoredImages.Constants
  private(set) var measures = Measures()
  private(set) var curves = Curves()

  /// The paper's protocol: constants come from all test images, so that an image's score depends on the others.
  static func paper(_ scored: ScoredImages, maps: Buffer<Float>) throws(Failure) -> ProtocolResult {
    let levelMaxima = try scored.levelMaxima
    let size = scored.images.pixelCount
    var total = -Float.infinity
    var minima: [Float] = []
    // The total changes nothing but thresholds. Without it small sums are not lost to rounding.
    for index in 0..<scored.images.count {
      let map = maps.base + index * size
      try scored.sumLikelihoods(index, levelMaxima: levelMaxima, into: map)
      var minimum = Float.infinity
      for i in 0..<size {
        total = max(total, map[i])
        minimum = min(minimum, map[i])
        map[i] = -map[i]
      }
      minima.append(minimum)
    }
    return try ProtocolResult(
      scored.images, ranks: minima.map { -$0 }, offset: Double(total), maps: maps,
      constants: ScoredImages.Constants(levelMaxima: levelMaxima, total: Double(total)))
  }

  /// The deployed protocol: constants are those of the calibration; nil for a detector that is not calibrated.
  static func deployed(_ scored: ScoredImages, maps: Buffer<Float>) throws(Failure) -> ProtocolResult? {
    guard let calibration = scored.calibration else { return nil }
    let constants = ScoredImages.Constants(levelMaxima: calibration.levelMaxima, total: calibration.total)
    let summaries = try (0..<scored.images.count).map { (index) throws(Failure) in
      try scored.computeMap(index, constants, into: maps.base + index * scored.images.pixelCount)
    }
    var result = try ProtocolResult(
      scored.images, ranks: summaries.map(\.maximum), offset: 0, maps: maps, constants: constants)
    result.means = summaries.map(\.mean)
    return result
  }

  /// - Parameters:
  ///   - ranks: the scores without the offset, which the maps lack too.
  private init(
    _ images: TestImages, ranks: [Float], offset: Double, maps: Buffer<Float>, constants: ScoredImages.Constants
  ) throws(Failure) {
    scores = ranks.map { Float(offset + Double($0)) }
    self.constants = constants
    try measureScores(ranks, images.labels, offset: offset)
    if let truth = images.truth { try measurePixels(maps, truth, images, offset: offset) }
  }

  private mutating func measureScores(_ scores: [Float], _ labels: [UInt8], offset: Double) throws(Failure) {
    guard labels.contains(0), labels.contains(1) else { return }
    let ranked = try scores.withUnsafeBufferPointer { scores throws(Failure) in
      try labels.withUnsafeBufferPointer { labels throws(Failure) in try RankedScores(scores: scores, labels: labels) }
    }
    measures.imageAUROC = ranked.auroc
    measures.imageAveragePrecision = ranked.averagePrecision
    let best = ranked.f1Max
    measures.imageF1Max = best.f1
    measures.imageThreshold = offset + Double(best.threshold)
    curves.imageROC = ranked.roc(resolution: Curves.resolution)
  }

  private mutating func measurePixels(
    _ maps: Buffer<Float>, _ truth: Buffer<UInt8>, _ images: TestImages, offset: Double
  ) throws(Failure) {
    let count = images.count * images.pixelCount
    let values = UnsafeBufferPointer(start: maps.base, count: count)
    let masks = UnsafeBufferPointer(start: truth.base, count: count)
    let defective = masks.reduce(0) { $0 + ($1 != 0 ? 1 : 0) }
    guard defective > 0, defective < masks.count else { return }
    do {
      let ranked = try RankedScores(scores: values, labels: masks)
      measures.pixelAUROC = ranked.auroc
      measures.pixelAveragePrecision = ranked.averagePrecision
      let best = ranked.f1Max
      measures.pixelF1Max = best.f1
      measures.pixelThreshold = offset + Double(best.threshold)
      curves.pixelROC = ranked.roc(resolution: Curves.resolution)
    }  // The sorted pixels go before the regions' memory comes.
    let (width, height) = (images.width, images.height)
    do throws(Failure) {
      measures.auproPaper = try Evaluation.auproPaper(maps: values, masks: masks, width: width, height: height)
    } catch {
      // The original divides 0 by 0 where all thresholds find the same.
      guard error.kind == .invalidArgument else { throw error }
    }
    let overlap = try Evaluation.overlapStandard(
      maps: values, masks: masks, width: width, height: height, resolution: Curves.resolution)
    measures.auproStandard = overlap.area
    curves.overlap = overlap.curve
  }
}
