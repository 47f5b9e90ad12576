import FoundationEssentials

/// A frame that was scored lately, with what a page shows of it.
struct LiveFrame: Sendable {
  /// What people see it called.
  let name: String
  /// When its file was written.
  let time: Date
  let outcome: Outcome

  enum Outcome: Sendable {
    case scored(Scored)
    /// Why it was not.
    case failed(String)
  }

  struct Scored: Sendable {
    let score: Float
    let mapMean: Float
    /// NaN when the model's file does not hold its calibration's scores.
    let pValue: Float
    let lowPValue: Float
    /// The most severe regions in words, and how many there are.
    let regions: [String]
    let regionCount: Int
    /// PNG files.
    let photograph: [UInt8]
    let heatMap: [UInt8]
  }

  var scored: Scored? { if case .scored(let scored) = outcome { scored } else { nil } }
}
