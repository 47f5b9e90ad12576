import Basics

/// Tells when the frames of a line are not those of its calibration any more: in other light, out of focus, shifted, of another
/// product. The probability of a false alarm, over its whole life, is at most its false-alarm rate.
///
/// Any number of threads may use it. Frames count in the order in which they are added.
package final class LineWatch: Sendable {
  package static let falseAlarmRates = 1e-9...0.5

  package struct Summary: Sendable {
    /// How many frames were added.
    package let frameCount: UInt64
    /// The evidence for a change, 1 in the beginning. A change is told when it reaches 1 / ``falseAlarmRate``.
    package let evidence: Double
    package let highestEvidence: Double
    package let falseAlarmRate: Double
    /// The number of the frame, from 1, at which the change was told; nil without a change.
    package let changedAt: UInt64?
    /// The mean of the last fifty frames or so of the share of calibration scores that are at least the frame's: about 0.5 without
    /// a change, near 0 where scores have risen, near 1 where they have fallen. NaN before the first frame.
    package let recentShare: Double
    package let calibrationCount: Int
  }

  private struct State {
    let falseAlarmRate: Double
    let seed: UInt64
    var ranks: ConformalRanks
    var martingale = ChangeMartingale()
    var highestEvidence = 1.0
    /// 0 as long as no change was told.
    var changedAt: UInt64 = 0
    var recentShare = Double.nan
    /// How often the watch was reset. Every life has random numbers of its own.
    private(set) var lives: UInt64 = 0
    /// The key of this life's random numbers.
    private(set) var key: UInt64

    init(_ scores: [Float], falseAlarmRate: Double, seed: UInt64) throws(Failure) {
      self.falseAlarmRate = falseAlarmRate
      self.seed = seed
      ranks = try ConformalRanks(scores, seed: seed)
      key = 0
      live(0)
    }

    mutating func live(_ number: UInt64) {
      lives = number
      var random = Random(seed: seed, purpose: "lives of a watch", Int(truncatingIfNeeded: number))
      key = random.next()
    }
  }

  private let scores: [Float]
  private let state: Locked<State>
  /// Over how many frames ``Summary/recentShare`` averages.
  private static let recentCount = 50.0

  /// Fails with `.notCalibrated` for a calibration without scores, with `.invalidArgument` for a rate outside
  /// ``falseAlarmRates``.
  ///
  /// - Parameter seed: the seed of the random numbers that smooth ranks. It must not depend on the frames.
  package init(_ calibration: Calibration?, falseAlarmRate: Double, seed: UInt64) throws(Failure) {
    guard let scores = calibration?.scores, !scores.isEmpty else {
      throw Failure(.notCalibrated, "the model holds no calibration scores to compare frames with")
    }
    try checkRange("the false-alarm rate", falseAlarmRate, within: Self.falseAlarmRates)
    self.scores = scores
    state = Locked(try State(scores, falseAlarmRate: falseAlarmRate, seed: seed))
  }

  /// Whether this is a watch for models with this calibration.
  package func suits(_ calibration: Calibration?) -> Bool { calibration?.scores == scores }

  /// Adds a frame by its score. Fails with `.invalidArgument` for one that is not finite.
  package func add(_ score: Float) throws(Failure) {
    guard score.isFinite else { throw Failure(.invalidArgument, "the frame's score is not finite") }
    state.withLock { state in
      var random = Random(seed: state.key &+ state.ranks.frameCount, purpose: "smoothed ranks")
      let p = state.ranks.add(score, tieBreak: random.uniform(), smoothing: random.uniform())
      state.martingale.add(p)
      let evidence = state.martingale.evidence
      state.highestEvidence = max(state.highestEvidence, evidence)
      if state.changedAt == 0, evidence >= 1 / state.falseAlarmRate { state.changedAt = state.martingale.frameCount }
      let share = state.ranks.shareNotBelow(score)
      let weight = 1 / min(Double(state.martingale.frameCount), Self.recentCount)
      state.recentShare = state.recentShare.isNaN ? share : state.recentShare + weight * (share - state.recentShare)
    }
  }

  package var summary: Summary {
    state.withLock { state in
      Summary(
        frameCount: state.martingale.frameCount, evidence: state.martingale.evidence,
        highestEvidence: state.highestEvidence, falseAlarmRate: state.falseAlarmRate,
        changedAt: state.changedAt == 0 ? nil : state.changedAt, recentShare: state.recentShare,
        calibrationCount: scores.count)
    }
  }

  /// Starts again. The false-alarm rate holds anew for the life that follows.
  package func reset() {
    state.withLock { state in
      state.ranks.reset()
      state.martingale.reset()
      (state.highestEvidence, state.changedAt, state.recentShare) = (1, 0, .nan)
      state.live(state.lives &+ 1)
    }
  }

  // MARK: Its state as bytes

  private static let head = Array("cflowad watch 1\n".utf8)

  /// The length of what ``export(to:)`` writes.
  package var byteCount: Int { Self.head.count + 8 * (9 + ChangeMartingale.betCount + scores.count + 1) }

  /// Writes the state for ``restore(_:)``: a head, and little-endian words of 64 bits.
  package func export(to bytes: UnsafeMutableRawBufferPointer) throws(Failure) {
    try checkCapacity(bytes.count, holds: byteCount, "the memory for the watch's state")
    state.withLock { state in
      var offset = 0
      func write(_ value: UInt64) {
        bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      for byte in Self.head {
        bytes[offset] = byte
        offset += 1
      }
      write(fingerprint)
      write(UInt64(scores.count))
      write(state.falseAlarmRate.bitPattern)
      write(state.seed)
      write(state.lives)
      write(state.highestEvidence.bitPattern)
      write(state.changedAt)
      write(state.recentShare.bitPattern)
      write(state.martingale.frameCount)
      for capital in state.martingale.capitals { write(capital.bitPattern) }
      for count in state.ranks.counts { write(count) }
    }
  }

  /// Continues from the exported state of a watch with the same calibration. Fails with `.format`, and with `.invalidArgument` for
  /// another calibration's; the state is then as before.
  package func restore(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    let damaged = Failure(.format, "these bytes are not the state of a watch, or damaged")
    guard bytes.count >= Self.head.count + 16, bytes.prefix(Self.head.count).elementsEqual(Self.head) else {
      throw damaged
    }
    var offset = Self.head.count
    func read() -> UInt64 {
      defer { offset += 8 }
      return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard read() == fingerprint, read() == UInt64(scores.count) else {
      throw Failure(.invalidArgument, "the state is that of a watch with another calibration")
    }
    guard bytes.count == byteCount else { throw damaged }
    let rate = Double(bitPattern: read())
    var new = try State(scores, falseAlarmRate: rate, seed: read())
    new.live(read())
    new.highestEvidence = Double(bitPattern: read())
    new.changedAt = read()
    new.recentShare = Double(bitPattern: read())
    let frameCount = read()
    let capitals = (0..<ChangeMartingale.betCount).map { _ in Double(bitPattern: read()) }
    let counts = (0...scores.count).map { _ in read() }
    guard Self.falseAlarmRates.contains(rate), new.ranks.restore(counts), new.ranks.frameCount == frameCount,
      new.martingale.restore(capitals, frameCount: frameCount), new.changedAt <= frameCount,
      new.highestEvidence >= 1, new.highestEvidence.isFinite,
      frameCount == 0 ? new.recentShare.isNaN : (0...1).contains(new.recentShare),
      (new.changedAt != 0) == (new.highestEvidence >= 1 / rate)
    else { throw damaged }
    state.withLock { $0 = new }
  }

  /// A fingerprint of the calibration's scores.
  private var fingerprint: UInt64 {
    var sum = Fingerprint()
    sum.add(scores)
    return sum.bits
  }
}

extension LineWatch.Summary {
  /// The state in a sentence for a person.
  package var text: String {
    let counted = "\(frameCount) \(frameCount == 1 ? "frame" : "frames") watched"
    guard let changedAt else {
      return
        "\(counted): no sign of a change (evidence \(String(evidence, digits: 3)), at most "
        + "\(String(highestEvidence, digits: 3)); a change is told at \(String(1 / falseAlarmRate, digits: 3)))"
    }
    let direction =
      recentShare < 0.4
      ? ", scores have risen" : recentShare > 0.6 ? ", scores have fallen" : ", scores spread otherwise"
    return
      "\(counted): the line has changed, recalibrate (told at frame \(changedAt)\(direction); wrong with a probability of at "
      + "most \(String(falseAlarmRate, digits: 3)))"
  }
}
