import Basics
import ImageFiles
import Imaging
import Rendering
import Scoring

/// Images of a class with their maps, grouped by the detector's decisions.
struct ImageGallery {
  private let evaluation: ClassEvaluation
  /// How many are shown of each kind.
  private let limit: Int
  private let overlay: Overlay
  private let map: Buffer<Float>
  /// An image at the map's size, and the drawing: height x width RGB8.
  private let plain: Buffer<UInt8>
  private let rgb: Buffer<UInt8>
  private let resizer: Resizer
  private static let truthColor = SIMD3<UInt8>(120, 255, 80)

  init(_ evaluation: ClassEvaluation, limit: Int) throws(Failure) {
    self.evaluation = evaluation
    self.limit = limit
    let images = evaluation.scored.images
    overlay = try evaluation.overlay
    map = try Buffer(count: images.pixelCount)
    plain = try Buffer(count: 3 * images.pixelCount)
    rgb = try Buffer(count: 3 * images.pixelCount)
    resizer = try Resizer(width: images.width, height: images.height, window: images.window)
  }

  /// Each group begins with the images that matter most: where the detector is wrong the worst, where it is right the
  /// closest calls.
  var html: String {
    get throws(Failure) {
      guard evaluation.deployed != nil else {
        return try section("Defective images, lowest scores first", chosen(isDefective: true))
          + section("Good images, highest scores first", chosen(isDefective: false))
      }
      let missed = chosen(.pass, isDefective: true)
      let alarms = chosen(.reject, isDefective: false)
      let review = chosen(.review, isDefective: true) + chosen(.review, isDefective: false)
      // Frames are reviewed for different reasons.
      let low = review.filter { evaluation.isTooLow($0) }
      let allOver = review.filter { evaluation.isStrangeAllOver($0) && !evaluation.isTooLow($0) }
      let high = review.filter { !evaluation.isStrangeAllOver($0) && !evaluation.isTooLow($0) }
      return try section(title("Missed", missed, "defective image", "passed"), missed, isWrong: true)
        + section(title("False alarms", alarms, "good image", "rejected"), alarms, isWrong: true)
        + section(high.isEmpty ? nil : title("To review", high, "image", "above the review threshold"), high)
        + section(low.isEmpty ? nil : title("To review", low, "image", "below the low threshold"), low)
        + section(allOver.isEmpty ? nil : title("To review", allOver, "image", "strange all over"), allOver)
        + section("Found: defective images rejected, lowest scores first", chosen(.reject, isDefective: true))
        + section("Passed: good images, highest scores first", chosen(.pass, isDefective: false))
    }
  }

  private func title(_ kind: String, _ indices: [Int], _ noun: String, _ decision: String) -> String {
    indices.isEmpty
      ? "\(kind): no \(noun) \(decision)"
      : "\(kind): \(String(indices.count, of: noun)) \(decision)"
        + (indices.count > limit ? ", the worst \(limit) of which are shown" : "")
  }

  /// Images of one kind, defective ones of low scores and good ones of high scores first.
  private func chosen(_ verdict: Verdict? = nil, isDefective: Bool) -> [Int] {
    let scores = evaluation.shown.scores
    let samples = evaluation.scored.images.samples
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    let found = order.filter {
      samples[$0].isDefective == isDefective && (verdict == nil || evaluation.verdict($0) == verdict)
    }
    return isDefective ? found : found.reversed()
  }

  private func section(_ title: String?, _ indices: [Int], isWrong: Bool = false) throws(Failure) -> String {
    guard let title else { return "" }
    var figures = ""
    for index in indices.prefix(limit) { figures += try figure(index, isWrong: isWrong) }
    return "<h3>\(HTML.escaped(title))</h3>\n" + (figures.isEmpty ? "" : "<div class=\"gallery\">\n\(figures)</div>\n")
  }

  private func figure(_ index: Int, isWrong: Bool) throws(Failure) -> String {
    let images = evaluation.scored.images
    let sample = images.samples[index]
    let picture = try ImageFile.read(path: sample.image)
    try picture.withFrame { frame throws(Failure) in try resizer.resize(frame, into: plain.base) }
    rgb.base.update(from: plain.base, count: rgb.count)
    try outlineTruth(index)
    let image = try self.picture(sample.image.shown)
    try drawMap(index)
    try outlineTruth(index)
    return FrameCard(
      marks: isWrong ? ["wrong"] : [], pictures: [image, try self.picture("heat map")],
      score: String(Double(evaluation.shown.scores[index]), decimals: 4), verdict: evaluation.verdict(index),
      verdictText: evaluation.verdictText(index), name: "\(sample.defect), \(sample.image)".shown
    ).html
  }

  private func outlineTruth(_ index: Int) throws(Failure) {
    let images = evaluation.scored.images
    guard let truth = images.truth(index) else { return }
    try renderOutline(truth, width: images.width, height: images.height, color: Self.truthColor, into: rgb.base)
  }

  private func drawMap(_ index: Int) throws(Failure) {
    let images = evaluation.scored.images
    _ = try evaluation.scored.computeMap(index, evaluation.shown.constants, into: map.base)
    let frame = try Frame(
      base: UnsafePointer(plain.base), width: images.width, height: images.height, stride: 3 * images.width,
      format: .rgb8)
    try render(frame: frame, map: map.base, overlay: overlay, into: rgb.base)
  }

  private func picture(_ description: String) throws(Failure) -> FrameCard.Picture {
    let images = evaluation.scored.images
    return .inside(try Thumbnail.png(rgb.base, width: images.width, height: images.height), description)
  }
}
