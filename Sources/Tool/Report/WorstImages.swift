import Basics
import ImageFiles
import Imaging
import Rendering
import Scoring

/// The images of a class that a detector is most wrong about, drawn with their maps.
struct WorstImages {
  private let evaluation: ClassEvaluation
  private let map: Buffer<Float>
  /// An image at the map's size, and what is drawn: height x width RGB8.
  private let plain: Buffer<UInt8>
  private let rgb: Buffer<UInt8>
  private let resizer: Resizer
  /// How many are shown of either kind.
  private static let count = 6
  private static let truthColor = SIMD3<UInt8>(120, 255, 80)

  init(_ evaluation: ClassEvaluation) throws(Failure) {
    self.evaluation = evaluation
    let images = evaluation.scored.images
    map = try Buffer(count: images.pixelCount)
    plain = try Buffer(count: 3 * images.pixelCount)
    rgb = try Buffer(count: 3 * images.pixelCount)
    resizer = try Resizer(width: images.width, height: images.height, window: images.window)
  }

  /// Defective images of the lowest scores, and good ones of the highest.
  var html: String {
    get throws(Failure) {
      let scores = evaluation.shown.scores
      let samples = evaluation.scored.images.samples
      let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
      let misses = order.filter { samples[$0].isDefective }.prefix(Self.count)
      let alarms = order.reversed().filter { !samples[$0].isDefective }.prefix(Self.count)
      return try gallery("Defective images of the lowest scores: the worst misses", Array(misses))
        + gallery("Good images of the highest scores: the worst false alarms", Array(alarms))
    }
  }

  private func gallery(_ title: String, _ indices: [Int]) throws(Failure) -> String {
    var figures = ""
    for index in indices { figures += try figure(index) }
    return indices.isEmpty ? "" : "<h3>\(HTML.escaped(title))</h3>\n<div class=\"row\">\n\(figures)</div>\n"
  }

  private func figure(_ index: Int) throws(Failure) -> String {
    let images = evaluation.scored.images
    let sample = images.samples[index]
    let picture = try ImageFile.read(path: sample.image)
    try picture.withFrame { frame throws(Failure) in try resizer.resize(frame, into: plain.base) }
    rgb.base.update(from: plain.base, count: rgb.count)
    try outlineTruth(index)
    let image = try HTML.image(rgb.base, width: images.width, height: images.height, description: sample.image.shown)
    try drawMap(index)
    try outlineTruth(index)
    let heat = try HTML.image(rgb.base, width: images.width, height: images.height, description: "its map")
    let score = evaluation.shown.scores[index]
    var caption = "\(sample.image.shown) (\(sample.defect.shown)): score \(String(Double(score), decimals: 4))"
    if let calibration = evaluation.scored.calibration { caption += ", \(Judge(calibration).verdict(score))" }
    return "<figure>\(image)\(heat)<figcaption>\(HTML.escaped(caption))</figcaption></figure>\n"
  }

  private func outlineTruth(_ index: Int) throws(Failure) {
    let images = evaluation.scored.images
    guard let truth = images.truth(index) else { return }
    try renderOutline(truth, width: images.width, height: images.height, color: Self.truthColor, into: rgb.base)
  }

  private func drawMap(_ index: Int) throws(Failure) {
    let images = evaluation.scored.images
    let shown = evaluation.shown
    _ = try evaluation.scored.computeMap(index, shown.constants, into: map.base)
    // The best threshold finds what is at it and above, a contour what is above.
    let best = shown.measures.pixelThreshold.map { Float($0).nextDown }
    let frame = try Frame(
      base: UnsafePointer(plain.base), width: images.width, height: images.height, stride: 3 * images.width,
      format: .rgb8)
    let overlay = try Overlay(
      low: 0, high: max(shown.scores.max() ?? 1, 1e-6),
      threshold: best ?? evaluation.scored.calibration?.threshold)
    try render(frame: frame, map: map.base, overlay: overlay, into: rgb.base)
  }
}
