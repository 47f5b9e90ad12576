import Basics
import DataSets
import Scoring

/// What `cflowad evaluate` prints. The property names, in snake case, are those of the JSON object.
struct EvaluationSummary: Codable {
  struct Image: Codable, Equatable {
    var file: String
    /// The kind of defect, or "good".
    var defect: String
    var paperScore: Float
    var deployedScore: Float?
    /// By the deployed protocol, at the detector's thresholds.
    var verdict: Verdict?
  }

  struct Class: Codable {
    var name: String
    var model: String
    var width: Int
    var height: Int
    var good: Int
    var defective: Int
    /// Whether all defective images have masks, so that pixels are measured.
    var hasMasks: Bool
    /// The detector's own threshold.
    var threshold: Float?
    /// Of the deployed protocol, at the detector's thresholds.
    var decisions: Decisions?
    var paper: Measures
    var deployed: Measures?
    var images: [Image]
  }

  var classes: [Class]
  /// The mean over the classes.
  var paper: Measures
  var deployed: Measures?

  init(_ evaluations: [Class]) {
    classes = evaluations
    paper = Measures.mean(evaluations.map(\.paper))
    let measures = evaluations.compactMap(\.deployed)
    deployed = measures.count == evaluations.count ? Measures.mean(measures) : nil
  }

  /// Rows of classes and their mean, by both protocols.
  var rows: [(name: String, protocol: String, measures: Measures)] {
    var rows: [(String, String, Measures)] = []
    let average = classes.count > 1 ? [("average", paper, deployed)] : []
    for (name, paper, deployed) in classes.map({ ($0.name, $0.paper, $0.deployed) }) + average {
      rows.append((name, "paper", paper))
      if let deployed { rows.append((name, "deployed", deployed)) }
    }
    return rows
  }

  /// One line for each row, in percent, with a head.
  var table: [String] {
    let nameWidth = classes.reduce(7) { max($0, $1.name.count) }
    let table = Table(widths: [nameWidth, 8] + Measures.columns.map(\.title.count))
    let head = table.row(["CLASS", "PROTOCOL"] + Measures.columns.map(\.title))
    return [head]
      + rows.map { row in
        table.row([row.name, row.protocol] + Measures.columns.map { percent(row.measures[keyPath: $0.value]) })
      }
  }

  /// The table with full precision, 0...1, for programs.
  var csv: String {
    let head = CSV.line(["class", "protocol"] + Measures.columns.map(\.name))
    let lines = rows.map { row in
      CSV.line(
        [row.name, row.protocol] + Measures.columns.map { row.measures[keyPath: $0.value].map { "\($0)" } ?? "" })
    }
    return ([head] + lines).joined(separator: "\n") + "\n"
  }
}

extension EvaluationSummary.Class {
  init(_ evaluation: ClassEvaluation) {
    let images = evaluation.scored.images
    name = evaluation.name.shown
    model = evaluation.model.shown
    width = images.width
    height = images.height
    defective = evaluation.defectiveCount
    good = images.count - defective
    hasMasks = images.truth != nil
    self.threshold = evaluation.scored.calibration?.threshold
    decisions = evaluation.decisions
    paper = evaluation.paper.measures
    deployed = evaluation.deployed?.measures
    self.images = images.samples.indices.map { index in
      EvaluationSummary.Image(
        file: images.samples[index].image.shown, defect: images.samples[index].defect.shown,
        paperScore: evaluation.paper.scores[index], deployedScore: evaluation.deployed?.scores[index],
        verdict: evaluation.verdict(index))
    }
  }
}

/// A share in percent for people, "-" for none.
func percent(_ share: Double?) -> String { share.map { String(100 * $0, decimals: 2) } ?? "-" }
