import Basics
import Scoring
import Training

/// What `cflowad quantize` prints. The property names, in snake case, are those of the JSON object.
struct QuantizationSummary: Codable, Equatable {
  /// The same measure of both detectors.
  struct Twins: Codable, Equatable {
    var float32: Double
    var int8: Double

    init(_ float32: Double, _ int8: Double) { (self.float32, self.int8) = (float32, int8) }
  }

  struct Comparison: Codable, Equatable {
    var good: Int
    var defective: Int
    /// Spearman's, of the good frames' scores; nil for fewer than two, or where they are all equal.
    var rankCorrelation: Double?
    /// About how many frames the two decide differently.
    var goodChanged: Int
    var defectiveChanged: Int
    /// 0...1.
    var imageAuroc: Twins?
    var pixelAuroc: Twins?
  }

  /// Good frames that gave ranges.
  var rangeFrames: Int
  /// Passes that trained the flows further.
  var passes: Int
  /// The good frames that calibrated both detectors, and defective examples.
  var heldBack: Comparison
  /// The test images.
  var test: Comparison?

  init(_ report: QuantizationReport) throws(Failure) {
    (rangeFrames, passes) = (report.rangeCount, report.passes)
    heldBack = try Comparison(good: report.good, defective: report.defective)
  }

  var lines: [String] {
    heldBack.lines("that calibrated both") + (test?.lines("of the test set") ?? [])
  }
}

extension QuantizationSummary.Comparison {
  init(good: ScorePairs, defective: ScorePairs) throws(Failure) {
    (self.good, self.defective) = (good.count, defective.count)
    rankCorrelation = good.rankCorrelation.isNaN ? nil : good.rankCorrelation
    (goodChanged, defectiveChanged) = (good.changedVerdicts, defective.changedVerdicts)
    imageAuroc = try ScorePairs.auroc(good: good, defective: defective).map { .init($0.float32, $0.int8) }
  }

  /// - Parameters: the same images by the detector in float32 and by the one of 8 bits, both calibrated.
  init(_ float32: ClassEvaluation, _ int8: ClassEvaluation) throws(Failure) {
    func pairs(isDefective: Bool) -> ScorePairs {
      let samples = float32.scored.images.samples
      let indices = samples.indices.filter { samples[$0].isDefective == isDefective }
      return ScorePairs(
        float32: indices.map { float32.shown.scores[$0] }, int8: indices.map { int8.shown.scores[$0] },
        changedVerdicts: indices.count { float32.verdict($0) != int8.verdict($0) })
    }
    try self.init(good: pairs(isDefective: false), defective: pairs(isDefective: true))
    if let before = float32.shown.measures.pixelAUROC, let after = int8.shown.measures.pixelAUROC {
      pixelAuroc = .init(before, after)
    }
  }

  /// - Parameter which: what images these are, behind their number.
  func lines(_ which: String) -> [String] {
    func text(_ twins: QuantizationSummary.Twins, _ measure: String) -> String {
      "\(measure) \(which): \(percent(twins.float32)) % in float32, \(percent(twins.int8)) % with 8 bits"
    }
    func changed(_ count: Int) -> String {
      count == 0 ? "every verdict stays" : "\(String(count, of: "verdict")) \(count == 1 ? "differs" : "differ")"
    }
    var lines: [String] = []
    if good > 0 {
      lines.append(
        "\(String(good, of: "good frame")) \(which): "
          + (rankCorrelation.map { "rank correlation of scores \(String($0, decimals: 4)), " } ?? "")
          + changed(goodChanged))
    }
    if defective > 0 { lines.append("\(String(defective, of: "defective frame")): \(changed(defectiveChanged))") }
    if let imageAuroc { lines.append(text(imageAuroc, "image AUROC")) }
    if let pixelAuroc { lines.append(text(pixelAuroc, "pixel AUROC")) }
    return lines
  }
}
