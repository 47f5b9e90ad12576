import Basics
import Imaging

/// What a detector computed of a known frame when it was made. Whoever opens its file can see whether the same numbers come out, so
/// that a fault of memory, a wrong build of the kernels or a changed weight shows before the first part is inspected.
package struct SelfTest: Sendable, Equatable {
  /// The name of the frame, in files.
  package static let frameName = "waves"
  private static let side = 32
  /// How many values are kept of a level at most.
  private static let mostValues = 1024

  /// log p / C of each level, finest first, at places evenly spread over its grid.
  package let levels: [[Float]]
  /// The frame's score; nil for a detector without calibration, and with tiles and a region of interest at once, which is laid
  /// over frames of any size and may be empty in a small one.
  package let score: Float?

  /// Fails with `.format` when a value is not finite, or a level has none or too many.
  package init(levels: [[Float]], score: Float?) throws(Failure) {
    guard levels.allSatisfy({ (1...Self.mostValues).contains($0.count) && $0.allSatisfy(\.isFinite) }),
      score?.isFinite ?? true
    else { throw Failure(.format, "the self-test's values are too many or not finite") }
    (self.levels, self.score) = (levels, score)
  }

  /// What a scorer computes of the frame. Fails as scoring does.
  ///
  /// - Parameter scorer: one whose detector ``hasScore(_:)``, or has no calibration.
  package init(by scorer: FrameScorer) throws(Failure) {
    let detector = scorer.detector
    try checkMemory(for: detector.positionCount, of: Float.self)
    var values = [Float](repeating: 0, count: detector.positionCount)
    var score: Float?
    try values.withUnsafeMutableBufferPointer { (values) throws(Failure) in
      var request = FrameRequest()
      request.wantsScore = Self.hasScore(detector)
      request.logLikelihoods = .init(values.baseAddress, capacity: values.count)
      try Self.pixels.withUnsafeBufferPointer { (pixels) throws(Failure) in
        guard let base = pixels.baseAddress else { return }
        let frame = try Frame(base: base, width: Self.side, height: Self.side, stride: 3 * Self.side, format: .rgb8)
        let result = try scorer.score(frame, request)
        if request.wantsScore { score = result.score }
      }
    }
    var first = 0
    levels = detector.levels.map { grid in
      defer { first += grid.positions }
      let count = Self.valueCount(grid.positions)
      return (0..<count).map { values[first + $0 * grid.positions / count] }
    }
    self.score = score
  }

  /// Whether the frame has a score.
  package static func hasScore(_ detector: Detector) -> Bool {
    guard let calibration = detector.calibration else { return false }
    return detector.preprocessing.tiling == nil || calibration.regionOfInterest == nil
  }

  /// side x side RGB8 pixels of middle brightness, computed by integers alone. They fit into one tile of every detector.
  private static let pixels: [UInt8] = (0..<side * side * 3).map { index in
    let (x, y, channel) = (index / 3 % side, index / 3 / side, index % 3)
    return UInt8(96 + (3 * x * x + 5 * y * y + 7 * x * y + 29 * channel * (x + 2 * y)) % 64)
  }
}

/// How a detector's numbers compare with those of its ``SelfTest``.
package struct Verification: Sendable, Equatable {
  /// How many log-likelihoods were compared.
  package let valueCount: Int
  /// The largest difference of a log-likelihood, divided by the expected value's magnitude where that is above 1. Infinite when
  /// one was not finite.
  package let largestError: Double
  /// The largest error that passes: what builds of the kernels may differ by, and 0 for detectors of 8 bits.
  package let tolerance: Double
  /// NaN where there is none.
  package let score: Float
  package let expectedScore: Float
  package let passes: Bool

  /// Says how far the numbers are off, in a sentence.
  package var text: String {
    "of \(valueCount) log-likelihoods of the self-test, the farthest is off by \(largestError) (\(tolerance) is allowed)"
      + (expectedScore.isNaN ? "" : ", and the score is \(score) where \(expectedScore) was")
      + (passes ? "" : ": the model computes other numbers than when it was made")
  }

  /// Builds of the kernels sum in different orders. The results of each are off by at most half of this from exact ones
  /// (docs/fidelity.md).
  static let tolerance = 2e-4
}

extension Detector {
  /// Scores the frame of the ``selfTest`` and compares. Fails with `.noSelfTest` where there is none.
  package func verify() throws(Failure) -> Verification {
    guard let expected = selfTest else {
      throw Failure(.noSelfTest, "the model's file holds no self-test: there is nothing to verify")
    }
    guard expected.levels.map(\.count) == levels.map({ SelfTest.valueCount($0.positions) }) else {
      throw Failure(.format, "the self-test does not fit the model's feature levels")
    }
    let isExact = encoderDescription.precision == .int8
    let tolerance = isExact ? 0 : Verification.tolerance
    let count = expected.levels.reduce(0) { $0 + $1.count }
    let found: SelfTest
    do throws(Failure) {
      let detector = SelfTest.hasScore(self) ? self : Detector(self, calibration: nil)
      found = try SelfTest(by: FrameScorer(detector, threadCount: 1))
    } catch {
      guard error.kind == .diverged else { throw error }
      return Verification(
        valueCount: count, largestError: .infinity, tolerance: tolerance, score: .nan,
        expectedScore: expected.score ?? .nan, passes: false)
    }
    var largest = 0.0
    for (value, wanted) in zip(found.levels.joined(), expected.levels.joined()) {
      let error = abs(Double(value) - Double(wanted)) / max(1, abs(Double(wanted)))
      largest = error <= largest ? largest : error.isNaN ? .infinity : error
    }
    let scoreError =
      abs(Double(found.score ?? 0) - Double(expected.score ?? 0)) / max(1, abs(Double(expected.score ?? 0)))
    let hasSameBits = found.levels == expected.levels && found.score == expected.score
    return Verification(
      valueCount: count, largestError: largest, tolerance: tolerance, score: found.score ?? .nan,
      expectedScore: expected.score ?? .nan,
      passes: isExact
        ? hasSameBits
        : largest <= tolerance && scoreError <= tolerance && (found.score == nil) == (expected.score == nil))
  }
}

extension SelfTest {
  /// How many values are kept of a level with so many positions.
  static func valueCount(_ positions: Int) -> Int { min(positions, mostValues) }
}
