import Basics
import Scoring

extension ModelSummary {
  /// Whether a file's weights are those that it was written with, and whether the detector computes what it did then.
  struct Verification: Codable {
    /// Whether the file says its weights' SHA-256, and it is that of the weights; nil when it does not say it.
    var hasSameWeights: Bool?
    /// Whether the self-test passes; nil when the file holds none.
    var passes: Bool?
    /// What the self-test found, in a sentence; nil when the file holds none.
    var selfTest: String?

    init(_ detector: Detector, hasSameWeights: Bool?) throws(Failure) {
      self.hasSameWeights = hasSameWeights
      do throws(Failure) {
        let found = try detector.verify()
        (passes, selfTest) = (found.passes, found.text)
      } catch {
        guard error.kind == .noSelfTest else { throw error }
      }
    }

    var isFailed: Bool { hasSameWeights == false || passes == false }

    var rows: [(String, String)] {
      let weights =
        switch hasSameWeights {
        case true?: "those that the file was written with, by their SHA-256"
        case false?: "NOT those that the file was written with: their SHA-256 is another"
        case nil: "the file does not say their SHA-256"
        }
      let test = passes.map { ($0 ? "passed: " : "FAILED: ") + (selfTest ?? "") }
      return [("weights", weights), ("self-test", test ?? "nothing to verify: the file holds none")]
    }
  }
}
