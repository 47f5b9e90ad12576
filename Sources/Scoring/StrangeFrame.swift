import Basics
import Imaging

/// Kinds of frames that are not good on any line, as a failing camera, lamp or cable gives them. A detector that passes one has not
/// learnt enough of how good frames look to be trusted with new kinds of frames. The cases are in the order of the
/// `CFLOWAD_STRANGE_` constants; the raw values are the names in files.
package enum StrangeFrame: String, Sendable, CaseIterable {
  case black, white, gray
  /// Independent samples from 0 to 255; grey where the good frame is grey.
  case noise
  /// A good frame cut into 8 x 8 blocks, which are permuted.
  case shuffled
  /// A good frame's negative.
  case inverted
  /// A good frame at a fifth of its exposure.
  case dark
  /// A good frame far out of focus.
  case blurred

  /// The kinds that show nothing at all.
  static let blankKinds: [StrangeFrame] = [.black, .white, .gray, .noise]

  /// The kind's bit in a set.
  package var bit: UInt32 { 1 << UInt32(Self.allCases.firstIndex(of: self) ?? 0) }

  /// Whether its frames depend on the good frames that they are made from.
  private var isMadeOfGoodOnes: Bool {
    !Self.blankKinds.contains(self)
  }

  /// The good frames from which frames of this kind are made: the first, the middle and the last one if the good frame matters,
  /// otherwise one.
  package func sources(_ good: [PreparedFrame]) -> [PreparedFrame] {
    let count = min(isMadeOfGoodOnes ? 3 : 1, good.count)
    return (0..<count).map { good[$0 * (good.count - 1) / max(count - 1, 1)] }
  }

  /// A frame of this kind and of a good one's size; it is the same each time.
  package func frame(from good: PreparedFrame, _ preprocessing: Preprocessing) -> PreparedFrame {
    good.changed(preprocessing) { pixels, width, height in
      switch self {
      case .black: fill(&pixels, 0)
      case .white: fill(&pixels, 255)
      case .gray: fill(&pixels, 128)
      case .noise: fillWithNoise(&pixels)
      case .shuffled: shuffle(&pixels, width: width, height: height)
      case .inverted: for index in pixels.indices { pixels[index] = 255 - pixels[index] }
      case .dark: for index in pixels.indices { pixels[index] = UInt8((Int(pixels[index]) + 2) / 5) }
      case .blurred: blur(&pixels, width: width, height: height)
      }
    }
  }

  private func fill(_ pixels: inout [UInt8], _ value: UInt8) { for index in pixels.indices { pixels[index] = value } }

  /// Blurs twice by means over squares of a sixteenth of the shorter side.
  private func blur(_ pixels: inout [UInt8], width: Int, height: Int) {
    let radius = max(min(width, height) / 32, 1)
    for _ in 0..<2 {
      for y in 0..<height {
        for channel in 0..<3 { Self.blurLine(&pixels, start: 3 * y * width + channel, step: 3, count: width, radius) }
      }
      for x in 0..<3 * width { Self.blurLine(&pixels, start: x, step: 3 * width, count: height, radius) }
    }
  }

  /// Replaces each pixel of a line by the mean of those within a radius.
  private static func blurLine(_ pixels: inout [UInt8], start: Int, step: Int, count: Int, _ radius: Int) {
    let line = (0..<count).map { Int(pixels[start + $0 * step]) }
    var sum = line.prefix(radius).reduce(0, +)
    for i in 0..<count {
      if i + radius < count { sum += line[i + radius] }
      if i > radius { sum -= line[i - radius - 1] }
      let width = min(i + radius, count - 1) - max(i - radius, 0) + 1
      pixels[start + i * step] = UInt8((sum + width / 2) / width)
    }
  }

  private func fillWithNoise(_ pixels: inout [UInt8]) {
    let starts = stride(from: 0, to: pixels.count, by: 3)
    let isGray = starts.allSatisfy { pixels[$0] == pixels[$0 + 1] && pixels[$0] == pixels[$0 + 2] }
    var random = Random(seed: 0, purpose: "strange noise")
    for start in starts {
      let values = random.next()
      for channel in 0..<3 {
        pixels[start + channel] = UInt8(truncatingIfNeeded: values >> (isGray ? 56 : 40 + 8 * UInt64(channel)))
      }
    }
  }

  /// Permutes 8 x 8 equal blocks. Pixels that are left over stay where they are.
  private func shuffle(_ pixels: inout [UInt8], width: Int, height: Int) {
    let side = 8
    let (blockWidth, blockHeight) = (width / side, height / side)
    let original = pixels
    var random = Random(seed: 0, purpose: "strange shuffle")
    for (target, source) in random.permutation(side * side).enumerated() {
      for y in 0..<blockHeight {
        let from = 3 * ((source / side * blockHeight + y) * width + source % side * blockWidth)
        let to = 3 * ((target / side * blockHeight + y) * width + target % side * blockWidth)
        pixels.replaceSubrange(to..<to + 3 * blockWidth, with: original[from..<from + 3 * blockWidth])
      }
    }
  }
}

extension Calibration {
  /// The verdicts about the frames of a kind that were tried, by the calibration's own thresholds; empty when none were.
  package func verdicts(_ kind: StrangeFrame) -> [Verdict] {
    let thresholds = DecisionThresholds(self)
    let scores = strangeScores[kind, default: []]
    return zip(scores, strangeMeans[kind] ?? scores.map { _ in .nan }).map { thresholds.verdict($0, mean: $1) }
  }

  /// The kinds that were tried.
  package var triedKinds: [StrangeFrame] { StrangeFrame.allCases.filter { strangeScores[$0] != nil } }

  /// The kinds of which a frame passes.
  package var passedKinds: [StrangeFrame] { StrangeFrame.allCases.filter { verdicts($0).contains(.pass) } }

  /// The kinds of which a frame scores lower than every good one, because it looks more regular to the flows.
  package var lowKinds: [StrangeFrame] {
    guard let lowest = scores.min() else { return [] }
    return triedKinds.filter { strangeScores[$0, default: []].contains { $0 < lowest } }
  }
}

extension FrameScorer {
  /// The score and the mean of a strange frame, as ``Calibration/strangeScores`` and ``Calibration/strangeMeans`` have them:
  /// infinite for a frame that scoring refuses.
  package func strangeScore(_ frame: PreparedFrame) throws(Failure) -> (score: Float, mean: Float) {
    do throws(Failure) {
      let result = try score(frame)
      return (result.score, result.mapMean)
    } catch {
      guard error.kind == .diverged else { throw error }
      return (.infinity, .infinity)
    }
  }
}
