import Basics
import DataSets
import Scoring

/// What `cflowad score` tells of a frame. The property names are those of the JSON object.
struct ScoredFrame: Codable {
  var file: String
  var score: Float
  /// None when the model's file does not hold its calibration's scores.
  var pValue: Float?
  /// The same, and also within another region of interest than the calibration's.
  var lowPValue: Float?
  var threshold: Float
  var reviewThreshold: Float
  /// None when low scores pass.
  var lowThreshold: Float?
  var verdict: Verdict
  var milliseconds: Double
  var regions: ScoredRegions?

  /// Whether its score is strangely low.
  var isLow: Bool { lowThreshold.map { score < $0 } ?? false }

  /// Names of the columns of ``csv``.
  static var csvHead: String {
    CSV.line([
      "file", "score", "p_value", "threshold", "review_threshold", "verdict", "milliseconds", "region_count",
      "low_p_value", "low_threshold",
    ])
  }

  /// The same as a line of a CSV file, of the regions their number; cells without a value are empty.
  var csv: String {
    CSV.line([
      file, "\(score)", pValue.map { "\($0)" } ?? "", "\(threshold)", "\(reviewThreshold)", "\(verdict)",
      "\(milliseconds)", regions.map { "\($0.count)" } ?? "", lowPValue.map { "\($0)" } ?? "",
      lowThreshold.map { "\($0)" } ?? "",
    ])
  }
}

/// By name.
extension Verdict: Codable {
  public init(from decoder: any Swift.Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let verdict = Self(argument: name) else {
      throw Failure(.invalidArgument, "\(name) is not a verdict")
    }
    self = verdict
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode("\(self)")
  }
}
