import Basics
import DataSets
import Scoring

/// What `cflowad score` tells of a frame. The property names, in snake case, are those of the JSON object.
struct ScoredFrame: Codable {
  var file: String
  var score: Float
  /// Nil when the model's file does not hold its calibration's scores.
  var pValue: Float?
  /// Nil like ``pValue``, and in another region of interest than the calibration's.
  var lowPValue: Float?
  var threshold: Float
  var reviewThreshold: Float
  /// Nil when low scores pass.
  var lowThreshold: Float?
  var mapMean: Float
  /// Nil when frames that are strange all over pass.
  var meanThreshold: Float?
  var verdict: Verdict
  var milliseconds: Double
  var regions: ScoredRegions?
  /// How much speaks for a change of the line after this frame; nil unless it is watched.
  var evidence: Double?

  /// Whether its score is strangely low.
  var isLow: Bool { lowThreshold.map { score < $0 } ?? false }

  /// Whether it is strange all over.
  var isStrangeAllOver: Bool { meanThreshold.map { mapMean > $0 } ?? false }

  /// The names of the columns of ``csvLines(withRegions:)``.
  static func csvHead(withRegions: Bool) -> String {
    CSV.line(
      [
        "file", "score", "p_value", "threshold", "review_threshold", "verdict", "milliseconds", "region_count",
        "low_p_value", "low_threshold", "map_mean", "mean_threshold",
      ] + (withRegions ? ScoredRegions.Item.csvColumns : []))
  }

  /// Lines of a CSV file; cells without a value are empty. Without regions there is one line, with their number. With
  /// them there is a line for each listed region, and one with empty cells when there is none.
  func csvLines(withRegions: Bool) -> [String] {
    func cell(_ value: Float?) -> String { value.map { "\($0)" } ?? "" }
    let cells: [String] = [
      file, cell(score), cell(pValue), cell(threshold), cell(reviewThreshold), "\(verdict)", "\(milliseconds)",
      regions.map { "\($0.count)" } ?? "", cell(lowPValue), cell(lowThreshold),
      cell(mapMean), cell(meanThreshold),
    ]
    guard withRegions else { return [CSV.line(cells)] }
    let list = regions?.list ?? []
    guard !list.isEmpty else { return [CSV.line(cells + ScoredRegions.Item.csvColumns.map { _ in "" })] }
    return list.map { CSV.line(cells + $0.csvCells) }
  }
}

/// Verdicts are coded by name.
extension Verdict: Codable {
  public init(from decoder: any Swift.Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let verdict = Choice<Verdict>(argument: name)?.value else {
      throw Failure(.invalidArgument, "\(name) is not a verdict")
    }
    self = verdict
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(self.name)
  }
}
