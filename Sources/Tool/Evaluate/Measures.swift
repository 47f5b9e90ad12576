import Basics
import Evaluation

/// How well scores and maps tell good from defective, 0...1 each; nil where there are not both, or no masks. The property
/// names, in snake case, are those of the JSON object.
struct Measures: Codable, Equatable {
  var imageAUROC: Double?
  var imageAveragePrecision: Double?
  var imageF1Max: Double?
  /// The score at and above which an image is defective, for the largest F1.
  var imageThreshold: Double?
  var pixelAUROC: Double?
  var pixelAveragePrecision: Double?
  var pixelF1Max: Double?
  var pixelThreshold: Double?
  /// AUPRO as the original computes it.
  var auproPaper: Double?
  /// AUPRO as the field computes it.
  var auproStandard: Double?

  /// Abbreviations are written as words, so that they survive conversion from snake case.
  private enum CodingKeys: String, CodingKey {
    case imageAUROC = "imageAuroc"
    case imageAveragePrecision
    case imageF1Max
    case imageThreshold
    case pixelAUROC = "pixelAuroc"
    case pixelAveragePrecision
    case pixelF1Max
    case pixelThreshold
    case auproPaper
    case auproStandard
  }

  /// The measures that tables compare, in order, with a short title and the name in JSON.
  static let columns: [(title: String, name: String, value: any KeyPath<Measures, Double?> & Sendable)] = [
    ("IMAGE AUROC", "image_auroc", \.imageAUROC), ("PIXEL AUROC", "pixel_auroc", \.pixelAUROC),
    ("AUPRO PAPER", "aupro_paper", \.auproPaper), ("AUPRO", "aupro_standard", \.auproStandard),
    ("IMAGE F1", "image_f1_max", \.imageF1Max), ("IMAGE AP", "image_average_precision", \.imageAveragePrecision),
    ("PIXEL F1", "pixel_f1_max", \.pixelF1Max), ("PIXEL AP", "pixel_average_precision", \.pixelAveragePrecision),
  ]

  /// The heading of a column in mixed case: "image AUROC".
  static func heading(_ title: String) -> String {
    title.split(separator: " ").map { ["IMAGE", "PIXEL", "PAPER"].contains($0) ? $0.lowercased() : String($0) }
      .joined(separator: " ")
  }

  /// The mean of each measure that all have; thresholds have no mean.
  static func mean(_ all: [Measures]) -> Measures {
    func mean(_ value: KeyPath<Measures, Double?>) -> Double? {
      let values = all.compactMap { $0[keyPath: value] }
      return values.count == all.count && !all.isEmpty ? values.reduce(0, +) / Double(all.count) : nil
    }
    return Measures(
      imageAUROC: mean(\.imageAUROC), imageAveragePrecision: mean(\.imageAveragePrecision),
      imageF1Max: mean(\.imageF1Max), pixelAUROC: mean(\.pixelAUROC),
      pixelAveragePrecision: mean(\.pixelAveragePrecision), pixelF1Max: mean(\.pixelF1Max),
      auproPaper: mean(\.auproPaper), auproStandard: mean(\.auproStandard))
  }
}

/// The curves beside the measures, for drawing.
struct Curves {
  var imageROC: Curve?
  var pixelROC: Curve?
  /// The mean share of a region that is found over the share of good pixels that is found, up to 0.3.
  var overlap: Curve?

  /// How many points a curve has in either direction at most.
  static let resolution = 200
}
