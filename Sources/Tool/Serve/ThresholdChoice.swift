import Basics
import Scoring

/// The threshold that somebody looks at.
enum ThresholdChoice {
  /// The detector's own.
  case own
  case threshold(Float)
  /// That which rejects this share of good frames.
  case rate(Float)

  /// - Parameter fields: those of a query or form: `threshold`, or `percent` of good frames; empty ones do not count.
  init(_ fields: [String: String]) throws(Failure) {
    func value(_ name: String) throws(Failure) -> Float? {
      guard let text = fields[name]?.filter({ $0 != " " }), !text.isEmpty else { return nil }
      guard let value = Float(text), value.isFinite else {
        throw Failure(.invalidArgument, "'\(text)' is not a number")
      }
      return value
    }
    if let percent = try value("percent") {
      self = .rate(percent / 100)
    } else if let threshold = try value("threshold") {
      self = .threshold(threshold)
    } else {
      self = .own
    }
  }

  /// The detector's calibration with this threshold.
  func calibration(from own: Calibration) throws(Failure) -> Calibration {
    var calibration = own
    switch self {
    case .own: break
    case .threshold(let threshold): try calibration.setThreshold(threshold)
    case .rate(let rate): try calibration.setThreshold(falseRejectRate: rate)
    }
    return calibration
  }
}
