import Basics
import Foundation
import Support
import Testing

@testable import Scoring

@Suite struct WatchTests {
  private static func calibration(_ scores: [Float]) throws -> Calibration {
    try Calibration(levelMaxima: [0], total: 1, threshold: 1, scores: scores)
  }

  /// Scores of a production; `step` above 0 makes many of them equal.
  private static func scores(_ count: Int, _ random: inout Random, shift: Double = 0, step: Double = 0) -> [Float] {
    (0..<count).map { _ in
      let value = random.normal() + shift
      return Float(step > 0 ? (value / step).rounded() * step : value)
    }
  }

  private static func bytes(of watch: LineWatch) throws -> [UInt8] {
    let bytes = try Buffer<UInt8>(count: watch.byteCount)
    try watch.export(to: UnsafeMutableRawBufferPointer(start: bytes.base, count: bytes.count))
    return Array(UnsafeBufferPointer(start: bytes.base, count: bytes.count))
  }

  /// Against what the definition says, of gaps that are counted anew for every frame.
  @Test func pValuesAreTheShareOfHigherGaps() throws {
    var random = Random(seed: 1, purpose: "p-values")
    let calibration = Self.scores(13, &random)
    var ranks = try ConformalRanks(calibration, seed: 0)
    var before: [Float] = []
    for _ in 0..<60 {
      let score = Float(random.normal())
      let smoothing = random.uniform()
      func gap(_ score: Float) -> Int { calibration.count { $0 < score } }
      let higher = (gap(score) + 1..<14).reduce(0) { sum, gap_ in sum + 1 + before.count { gap($0) == gap_ } }
      let own = 1 + before.count { gap($0) == gap(score) }
      let expected = (Double(higher) + smoothing * Double(own)) / Double(14 + before.count)
      expectClose(ranks.add(score, tieBreak: random.uniform(), smoothing: smoothing), expected, within: 1e-12)
      expectClose(ranks.shareNotBelow(score), Double(13 - gap(score)) / 13, within: 1e-12)
      before.append(score)
    }
  }

  /// However the numbers round, since a bet on 0 or 1 would win or lose everything.
  @Test func pValuesAreWithinTheirBounds() throws {
    var ranks = try ConformalRanks([1, 2, 3], seed: 0)
    let highest = ranks.add(0, tieBreak: 0.5, smoothing: 1.0.nextDown)
    let lowest = ranks.add(9, tieBreak: 0.5, smoothing: 0)
    #expect(highest > 0.99 && highest < 1 && lowest > 0 && lowest < 1e-15)
  }

  /// Over many calibrations every p-value is uniform, and one does not tell of the next; also where most scores are equal.
  @Test(arguments: [0, 0.7, 3]) func pValuesAreUniformAndIndependent(step: Double) throws {
    var random = Random(seed: 2, purpose: "uniform p-values")
    let (runs, frames) = (3000, 8)
    var values: [[Double]] = []
    for run in 0..<runs {
      var ranks = try ConformalRanks(Self.scores(9, &random, step: step), seed: UInt64(run))
      values.append(
        Self.scores(frames, &random, step: step).map {
          ranks.add($0, tieBreak: random.uniform(), smoothing: random.uniform())
        })
    }
    // Four standard errors of a mean of so many.
    let bound = 4 / Double(runs).squareRoot()
    for frame in 0..<frames {
      for part in 0..<10 {
        let share = Double(values.count { $0[frame] < Double(part + 1) / 10 }) / Double(runs)
        expectClose(share, Double(part + 1) / 10, within: bound / 2)
      }
      guard frame > 0 else { continue }
      let products = values.map { 12 * ($0[frame] - 0.5) * ($0[frame - 1] - 0.5) }
      expectClose(products.reduce(0, +) / Double(runs), 0, within: bound)
    }
  }

  /// The capital by its definition: a share placed at every p-value, each divided among six bets, and what is not placed.
  @Test func evidenceIsTheCapitalOfAllBets() {
    let bets: [(Double) -> Double] = [
      { 1 - ($0 - 0.5) }, { 1 + ($0 - 0.5) }, { 0.5 * pow($0, -0.5) }, { 0.5 * pow(1 - $0, -0.5) },
      { 0.2 * pow($0, -0.8) }, { 0.2 * pow(1 - $0, -0.8) },
    ]
    var random = Random(seed: 7, purpose: "bets")
    var martingale = ChangeMartingale()
    #expect(martingale.evidence == 1)
    var values: [Double] = []
    for frame in 1...60 {
      values.append(frame > 40 ? random.uniform() / 20 : random.uniform())
      martingale.add(values[frame - 1])
      var expected = 1 / Double(frame + 1)
      for first in 1...frame {
        for bet in bets {
          expected += values[(first - 1)...].reduce(1 / Double(first * (first + 1)) / 6) { $0 * bet($1) }
        }
      }
      expectClose(martingale.evidence, expected, within: 1e-9 * expected)
    }
    #expect(martingale.frameCount == 60)
    // It stays finite, whatever comes.
    for _ in 0..<1000 { martingale.add(1e-9) }
    #expect(martingale.evidence.isFinite && martingale.evidence >= 1e100)
  }

  /// The mean of the first fifty frames; from then on every frame has a weight of one in fifty.
  @Test func recentSharesAreAMeanThatForgets() throws {
    var random = Random(seed: 8, purpose: "recent shares")
    let calibration = (0..<20).map { Float($0) }
    let watch = try LineWatch(Self.calibration(calibration), falseAlarmRate: 0.01, seed: 0)
    var shares: [Double] = []
    var expected = 0.0
    for frame in 0..<120 {
      let score = Float(random.uniform() * 30 - 5)
      try watch.add(score)
      shares.append(Double(calibration.count { $0 >= score }) / 20)
      expected = frame < 50 ? shares.reduce(0, +) / Double(frame + 1) : 0.98 * expected + 0.02 * shares[frame]
      expectClose(watch.summary.recentShare, expected, within: 1e-12)
    }
  }

  /// A change is told when the evidence is 1 / the rate, and stays told.
  @Test func summariesAreTold() throws {
    func summary(recentShare: Double, changedAt: UInt64?) -> String {
      LineWatch.Summary(
        frameCount: changedAt == nil ? 1 : 120, evidence: 0.5, highestEvidence: 25, falseAlarmRate: 0.02,
        changedAt: changedAt, recentShare: recentShare, calibrationCount: 20
      ).text
    }
    #expect(
      summary(recentShare: 0.5, changedAt: nil)
        == "1 frame watched: no sign of a change (evidence 0.5, at most 25; a change is told at 50)")
    for (share, direction) in [
      (0.39, "have risen"), (0.41, "spread otherwise"), (0.59, "spread otherwise"), (0.61, "have fallen"),
    ] {
      #expect(
        summary(recentShare: share, changedAt: 7)
          == "120 frames watched: the line has changed, recalibrate (told at frame 7, scores \(direction); wrong with a "
          + "probability of at most 0.02)")
    }
    let watch = try LineWatch(Self.calibration((0..<30).map { Float($0) }), falseAlarmRate: 0.1, seed: 3)
    var told: UInt64?
    for frame in 1...100 as ClosedRange<UInt64> {
      try watch.add(100)
      if told == nil, watch.summary.evidence >= 10 { told = frame }
      #expect(watch.summary.changedAt == told && watch.summary.frameCount == frame)
    }
    #expect(told != nil && watch.summary.recentShare == 0 && watch.summary.highestEvidence >= watch.summary.evidence)
  }

  /// Nobody can expect to win: the mean evidence over all p-values is what it was.
  @Test func betsAreFair() {
    for before in [[], [0.03, 0.2], [0.9, 0.99, 0.4]] {
      var begun = ChangeMartingale()
      for p in before { begun.add(p) }
      // The integral over 0...1 in both halves, with p = t^5 / 2 and its like, which takes the steepness from the bold bets.
      let steps = 20_000
      var sum = 0.0
      for step in 0..<steps {
        let t = (Double(step) + 0.5) / Double(steps)
        let p = t * t * t * t * t / 2
        let weight = 2.5 * t * t * t * t / Double(steps)
        for value in [p, min(1 - p, 1 - 0x1p-53)] {
          var next = begun
          next.add(value)
          sum += weight * next.evidence
        }
      }
      // Of the boldest bet 2^(-53/5) of the integral lies closer to 1 than a Double comes.
      expectClose(sum, begun.evidence, within: 1e-3 * begun.evidence)
    }
  }

  /// 200 random splits of one production into calibration and line: a share of at most the promised rate tells a change, within
  /// four standard deviations of that many draws.
  @Test(arguments: [(20, 0.0), (100, 0.0), (100, 1.0)]) func falseAlarmsAreWithinTheirRate(frames: Int, step: Double)
    throws
  {
    var random = Random(seed: 3, purpose: "splits without change")
    let (splits, rate) = (200, 0.05)
    var alarms = 0
    for split in 0..<splits {
      let calibration = try Self.calibration(Self.scores(frames, &random, step: step))
      let watch = try LineWatch(calibration, falseAlarmRate: rate, seed: UInt64(split))
      for score in Self.scores(600, &random, step: step) { try watch.add(score) }
      if watch.summary.changedAt != nil { alarms += 1 }
    }
    let bound = Double(splits) * rate + 4 * (Double(splits) * rate * (1 - rate)).squareRoot()
    #expect(Double(alarms) <= bound)
  }

  /// After 300 frames without a change, scores rise or fall by so many standard deviations.
  @Test(arguments: [(2.0, 40), (-2.0, 40), (1.0, 160), (-1.0, 160)]) func changesAreTold(shift: Double, within: Int)
    throws
  {
    var random = Random(seed: 4, purpose: "splits with a change")
    var delays: [Int] = []
    for split in 0..<30 {
      let watch = try LineWatch(
        Self.calibration(Self.scores(100, &random)), falseAlarmRate: 0.01, seed: UInt64(split))
      for score in Self.scores(300, &random) { try watch.add(score) }
      guard watch.summary.changedAt == nil else { continue }
      for score in Self.scores(400, &random, shift: shift) { try watch.add(score) }
      let told = watch.summary.changedAt
      delays.append(told.map { Int($0) - 300 } ?? .max)
      #expect(shift > 0 ? watch.summary.recentShare < 0.4 : watch.summary.recentShare > 0.6)
      #expect(watch.summary.text.contains(shift > 0 ? "risen" : "fallen"))
    }
    #expect(delays.count >= 27)
    // Nine of ten.
    #expect(delays.count { $0 <= within } * 10 >= delays.count * 9)
  }

  /// After a year without a change it is told nearly as soon.
  @Test func ageDoesNotMakeBlind() throws {
    var random = Random(seed: 5, purpose: "an old watch")
    let watch = try LineWatch(Self.calibration(Self.scores(50, &random)), falseAlarmRate: 0.01, seed: 9)
    for score in Self.scores(300_000, &random) { try watch.add(score) }
    #expect(watch.summary.changedAt == nil && watch.summary.evidence < 1)
    for score in Self.scores(100, &random, shift: 4) { try watch.add(score) }
    let changedAt = try #require(watch.summary.changedAt)
    #expect(changedAt <= 300_040)
    #expect(watch.summary.text.contains("recalibrate"))
  }

  @Test func statesGoOnWhereTheyWere() throws {
    var random = Random(seed: 6, purpose: "states")
    let calibration = try Self.calibration(Self.scores(30, &random, step: 0.5))
    let line = Self.scores(80, &random, shift: 1.5, step: 0.5)
    let whole = try LineWatch(calibration, falseAlarmRate: 0.02, seed: 5)
    whole.reset()
    for score in line { try whole.add(score) }

    let first = try LineWatch(calibration, falseAlarmRate: 0.02, seed: 5)
    for score in line.prefix(7) { try first.add(score) }
    first.reset()
    #expect(first.summary.frameCount == 0 && first.summary.evidence == 1 && first.summary.recentShare.isNaN)
    for score in line.prefix(33) { try first.add(score) }
    let state = try Self.bytes(of: first)
    // Options are those of the state.
    let second = try LineWatch(calibration, falseAlarmRate: 0.3, seed: 77)
    try state.withUnsafeBytes { try second.restore($0) }
    #expect(try Self.bytes(of: second) == state)
    for score in line.dropFirst(33) { try second.add(score) }
    #expect(try Self.bytes(of: second) == Self.bytes(of: whole))
    #expect(second.summary.evidence == whole.summary.evidence && second.summary.changedAt == whole.summary.changedAt)

    // What is damaged or another's changes nothing.
    let before = try Self.bytes(of: second)
    for count in [0, 10, 16, 31, state.count - 1] {
      #expect(throws: Failure.self) { try state.prefix(count).withUnsafeBytes { try second.restore($0) } }
    }
    for place in stride(from: 0, to: state.count, by: 3) {
      var damaged = state
      damaged[place] ^= 0x80
      // Some bits are of numbers that may have any value.
      let other = try LineWatch(calibration, falseAlarmRate: 0.02, seed: 0)
      do { try damaged.withUnsafeBytes { try other.restore($0) } } catch {
        #expect(other.summary.frameCount == 0)
        continue
      }
      try other.add(1)
      #expect(other.summary.evidence.isFinite)
    }
    let stranger = try LineWatch(Self.calibration(Self.scores(30, &random)), falseAlarmRate: 0.02, seed: 5)
    #expect(throws: Failure.self) { try state.withUnsafeBytes { try stranger.restore($0) } }
    #expect(try Self.bytes(of: second) == before)
  }

  /// A head, and words of 64 bits: the calibration's fingerprint and count, rate, seed, how often it was begun anew, highest
  /// evidence, frame of the change, recent share, frames, the bets' capitals and the counts of the gaps.
  @Test func statesAreWords() throws {
    let calibration = try Self.calibration([3, 1, 2])
    let watch = try LineWatch(calibration, falseAlarmRate: 0.25, seed: 9)
    func words() throws -> [UInt64] {
      let bytes = try Self.bytes(of: watch)
      #expect(bytes.prefix(16).elementsEqual("cflowad watch 1\n".utf8) && bytes.count == 16 + 8 * (9 + 6 + 4))
      return stride(from: 16, to: bytes.count, by: 8).map { start in
        bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
    }
    for _ in 0..<20 { try watch.add(9) }
    #expect(watch.summary.highestEvidence > 1)
    watch.reset()
    #expect(watch.summary.highestEvidence == 1 && watch.summary.changedAt == nil)
    watch.reset()
    for score in [0.5, 1.5, 9, 9, 9] as [Float] { try watch.add(score) }
    let found = try words()
    let summary = watch.summary
    #expect(found[1] == 3 && found[2] == (0.25).bitPattern && found[3] == 9 && found[4] == 2)
    #expect(found[5] == summary.highestEvidence.bitPattern && found[6] == summary.changedAt ?? 0)
    #expect(found[7] == summary.recentShare.bitPattern && found[8] == 5 && Array(found[15...]) == [1, 1, 0, 3])
    expectClose(
      found[9..<15].reduce(1.0 / 6) { $0 + Double(bitPattern: $1) }, summary.evidence, within: 1e-12)

    // Words that no watch can have.
    let other = try LineWatch(calibration, falseAlarmRate: 0.1, seed: 1)
    for (word, value) in [
      (0, found[0] ^ 1), (1, 4), (2, (0.6).bitPattern), (2, (0.9e-9).bitPattern), (5, (0.9).bitPattern),
      (5, Double.infinity.bitPattern), (5, (summary.changedAt == nil ? 4.1 : 3.9).bitPattern), (6, 6),
      (7, (-0.1).bitPattern), (7, (1.1).bitPattern), (7, Double.nan.bitPattern), (8, 4), (9, (-1.0).bitPattern),
      (14, (1.1e100).bitPattern), (15, 2), (18, UInt64.max),
    ] as [(Int, UInt64)] {
      var bytes = try Self.bytes(of: watch)
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(16 + 8 * word..<24 + 8 * word, with: $0) }
      #expect(throws: Failure.self, "word \(word)") { try bytes.withUnsafeBytes { try other.restore($0) } }
    }
    try Self.bytes(of: watch).withUnsafeBytes { try other.restore($0) }
    #expect(try Self.bytes(of: other) == Self.bytes(of: watch))
  }

  @Test func badArgumentsAreRefused() throws {
    let calibration = try Self.calibration([1, 2, 3])
    for rate in [1e-9, 0.5] { _ = try LineWatch(calibration, falseAlarmRate: rate, seed: 0) }
    for rate in [0, 0.999e-9, 0.501, -1, Double.nan, .infinity] {
      #expect(throws: Failure.self) { try LineWatch(calibration, falseAlarmRate: rate, seed: 0) }
    }
    #expect(throws: Failure.self) { try LineWatch(nil, falseAlarmRate: 0.01, seed: 0) }
    #expect(throws: Failure.self) { try LineWatch(Self.calibration([]), falseAlarmRate: 0.01, seed: 0) }
    let watch = try LineWatch(calibration, falseAlarmRate: 0.01, seed: 0)
    for score in [Float.nan, .infinity, -.infinity] { #expect(throws: Failure.self) { try watch.add(score) } }
    #expect(watch.summary.frameCount == 0)
    #expect(watch.suits(calibration) && !watch.suits(nil))
    #expect(!watch.suits(try Self.calibration([1, 2])))
  }
}
