/// A line of the original's README, which reproduces its reference results on MVTec AD, and these results.
struct PublishedLine {
  /// The class of MVTec AD.
  let name: String
  /// Pixels of the network's input, width and height.
  let inputSize: Int
  /// Wide ResNet-50-2, in percent: image AUROC, pixel AUROC and the original's AUPRO. The best of the epochs on the test
  /// set, for each measure, over four runs.
  ///
  /// D. Gudovskiy, S. Ishizaka, K. Kozuka, "CFLOW-AD", WACV 2022, tables of detection and localization.
  let imageAUROC: Double
  let pixelAUROC: Double
  let auproPaper: Double

  private init(_ name: String, _ inputSize: Int, _ imageAUROC: Double, _ pixelAUROC: Double, _ auproPaper: Double) {
    self.name = name
    self.inputSize = inputSize
    self.imageAUROC = imageAUROC
    self.pixelAUROC = pixelAUROC
    self.auproPaper = auproPaper
  }

  /// The encoder of the published numbers.
  static let architecture = "wide_resnet50_2"

  static let mvtec = [
    PublishedLine("bottle", 512, 100.00, 98.98, 96.80),
    PublishedLine("cable", 256, 97.59, 97.64, 93.53),
    PublishedLine("capsule", 256, 97.68, 98.98, 93.40),
    PublishedLine("carpet", 512, 98.73, 99.25, 97.70),
    PublishedLine("grid", 512, 99.60, 98.99, 96.08),
    PublishedLine("hazelnut", 256, 99.98, 98.89, 96.68),
    PublishedLine("leather", 512, 100.00, 99.66, 99.35),
    PublishedLine("metal_nut", 256, 99.26, 98.56, 91.65),
    PublishedLine("pill", 256, 96.82, 98.95, 95.39),
    PublishedLine("screw", 512, 91.89, 98.86, 95.30),
    PublishedLine("tile", 512, 99.88, 98.01, 94.34),
    PublishedLine("toothbrush", 512, 99.65, 98.93, 95.06),
    PublishedLine("transistor", 128, 95.21, 97.99, 81.40),
    PublishedLine("wood", 512, 99.12, 96.65, 95.79),
    PublishedLine("zipper", 512, 98.48, 99.08, 96.60),
  ]
}
