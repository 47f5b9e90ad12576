import Basics
import DataSets
import Scoring

/// What `cflowad score` tells of a frame. The property names are those of the JSON object.
struct ScoredFrame: Codable {
  var file: String
  var score: Float
  /// None when the model's file does not hold its calibration's scores.
  var pValue: Float?
  var threshold: Float
  var reviewThreshold: Float
  var verdict: Verdict
  var milliseconds: Double
  var regions: ScoredRegions?

  /// Names of the columns of ``csv``.
  static var csvHead: String {
    CSV.line([
      "file", "score", "p_value", "threshold", "review_threshold", "verdict", "milliseconds", "region_count",
    ])
  }

  /// The same as a line of a CSV file, of the regions their number; cells without a value are empty.
  var csv: String {
    CSV.line([
      file, "\(score)", pValue.map { "\($0)" } ?? "", "\(threshold)", "\(reviewThreshold)", "\(verdict)",
      "\(milliseconds)", regions.map { "\($0.count)" } ?? "",
    ])
  }
}

/// By name.
extension Verdict: Codable {
  public init(from decoder: any Swift.Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let verdict = Self.allCases.first(where: { "\($0)" == name }) else {
      throw Failure(.invalidArgument, "\(name) is not a verdict")
    }
    self = verdict
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode("\(self)")
  }
}
