import Basics
import Imaging

/// Kinds of frames that are no good ones of any line: what a camera, a lamp or a cable gives that fails. A detector that
/// passes one has learnt too little of how good frames look to be trusted with frames of a new kind. In the order of the
/// `CFLOWAD_STRANGE_` constants; raw values are the names in files.
package enum StrangeFrame: String, Sendable, CaseIterable {
  case black, white, gray
  /// Each sample by itself anything from 0 to 255; grey where the good frame is.
  case noise
  /// A good frame, 8 x 8 blocks of which are permuted.
  case shuffled
  /// A good frame's negative.
  case inverted
  /// A good frame at a fifth of its exposure.
  case dark

  /// Bit of the kind in a set.
  package var bit: UInt32 { 1 << UInt32(Self.allCases.firstIndex(of: self) ?? 0) }

  /// Whether its frames show something of the good ones that they are made from.
  private var isMadeOfGoodOnes: Bool {
    switch self {
    case .black, .white, .gray, .noise: false
    case .shuffled, .inverted, .dark: true
    }
  }

  /// From which good frames some of this kind are to be made, for a trial: up to three, first, middle and last, where the
  /// good frame counts, else one.
  package func sources(_ good: [PreparedFrame]) -> [PreparedFrame] {
    let count = min(isMadeOfGoodOnes ? 3 : 1, good.count)
    return (0..<count).map { good[$0 * (good.count - 1) / max(count - 1, 1)] }
  }

  /// A frame of this kind, of a good one's size; the same each time.
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
      }
    }
  }

  private func fill(_ pixels: inout [UInt8], _ value: UInt8) { for index in pixels.indices { pixels[index] = value } }

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

  /// Pixels beyond 8 x 8 equal blocks stay where they are.
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
  /// The verdicts about the frames of a kind that were tried, by the calibration's own thresholds; empty when none was.
  package func verdicts(_ kind: StrangeFrame) -> [Verdict] {
    let judge = Judge(self)
    return strangeScores[kind, default: []].map { judge.verdict($0) }
  }

  /// Kinds that were tried.
  package var triedKinds: [StrangeFrame] { StrangeFrame.allCases.filter { strangeScores[$0] != nil } }

  /// Kinds of which a frame passes.
  package var passedKinds: [StrangeFrame] { StrangeFrame.allCases.filter { verdicts($0).contains(.pass) } }

  /// Kinds of which a frame scores lower than every good one: to the flows it looks more regular than those.
  package var lowKinds: [StrangeFrame] {
    guard let lowest = scores.min() else { return [] }
    return triedKinds.filter { strangeScores[$0, default: []].contains { $0 < lowest } }
  }
}

extension DetectorSession {
  /// As ``Calibration/strangeScores`` has it: infinite for a frame that scoring refuses.
  package func strangeScore(_ frame: PreparedFrame) throws(Failure) -> Float {
    do throws(Failure) { return try score(frame) } catch {
      guard error.kind == .diverged else { throw error }
      return .infinity
    }
  }
}
