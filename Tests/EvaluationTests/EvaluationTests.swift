import Basics
import Foundation
import Support
import Testing

@testable import Evaluation

/// Measures beside scikit-learn's and scipy's, from Fixtures/evaluation.json (Tests/Fixtures/make_evaluation.py).
struct EvaluationTests {
  struct Index: Decodable {
    let scores: [Scores]
    let maps: [Maps]
  }

  struct Scores: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let scores: [Int]
    let labels: [UInt8]
    let auroc: Double
    let average_precision: Double
    let f1: Double
    let f1_threshold: Int
    var testDescription: String { name }
    var values: [Float] { scores.map { Float($0) / 256 } }
  }

  struct Maps: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let width: Int
    let height: Int
    let maps: [Int]
    let masks: [UInt8]
    let aupro_paper: Double
    let aupro_standard: Double
    let regions: Int
    var testDescription: String { name }
    var values: [Float] { maps.map { Float($0) / 256 } }
  }

  static let index: Index = {
    guard let file = Bundle.module.url(forResource: "evaluation", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: file), let index = try? JSONDecoder().decode(Index.self, from: data)
    else { return Index(scores: [], maps: []) }
    return index
  }()

  @Test func fixtureIsThere() {
    #expect(Self.index.scores.count == 7)
    #expect(Self.index.maps.count == 8)
  }

  @Test(arguments: index.scores) func auroc(_ test: Scores) throws {
    expectClose(try Evaluation.auroc(scores: test.values, labels: test.labels), test.auroc, within: 1e-12)
    // Any value but 0 is a defect.
    expectClose(
      try Evaluation.auroc(scores: test.values, labels: test.labels.map { $0 * 255 }), test.auroc, within: 1e-12)
  }

  /// Beside scipy.stats.spearmanr.
  @Test func rankCorrelation() {
    expectClose(
      Evaluation.rankCorrelation([3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]), 0.19885368120992467, within: 1e-12
    )
    expectClose(Evaluation.rankCorrelation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]), 0.9, within: 1e-12)
    expectClose(Evaluation.rankCorrelation([1, 2, 3], [-1, -2, -30]), -1, within: 1e-12)
    #expect(Evaluation.rankCorrelation([1, 2], [3, 4]) == 1)
    #expect(Evaluation.rankCorrelation([1], [1]).isNaN && Evaluation.rankCorrelation([1, 2], [3, 3]).isNaN)
    #expect(Evaluation.rankCorrelation([1, 2], [1, 2, 3]).isNaN)
  }

  @Test(arguments: index.scores) func averagePrecision(_ test: Scores) throws {
    let value = try Evaluation.averagePrecision(scores: test.values, labels: test.labels)
    expectClose(value, test.average_precision, within: 1e-12)
  }

  @Test(arguments: index.scores) func f1(_ test: Scores) throws {
    let best = try Evaluation.f1Max(scores: test.values, labels: test.labels)
    expectClose(best.f1, test.f1, within: 1e-12)
    #expect(best.threshold == Float(test.f1_threshold) / 256)
  }

  @Test(arguments: index.maps) func regionsAreLabelled(_ test: Maps) throws {
    let count = try withBuffers(test.values, test.masks) { (values, masks) throws(Failure) in
      let labelled = try LabelledMaps(values: values, masks: masks, width: test.width, height: test.height)
      return try labelled.forEachRegion { _, _, _ in }
    }
    #expect(count == test.regions)
  }

  @Test(arguments: index.maps) func auproPaper(_ test: Maps) throws {
    let value = try Evaluation.auproPaper(
      maps: test.values, masks: test.masks, width: test.width, height: test.height)
    expectClose(value, test.aupro_paper, within: 1e-12)
  }

  @Test(arguments: index.maps) func auproStandard(_ test: Maps) throws {
    let value = try Evaluation.auproStandard(
      maps: test.values, masks: test.masks, width: test.width, height: test.height)
    expectClose(value, test.aupro_standard, within: 1e-12)
  }

  /// Zeros of either sign are one score; the order goes through all exponents and both signs.
  @Test func extremeScores() throws {
    #expect(try Evaluation.auroc(scores: [-0.0, 0.0], labels: [1, 0]) == 0.5)
    let ascending: [Float] = [
      -.greatestFiniteMagnitude, -1, -.leastNormalMagnitude, -.leastNonzeroMagnitude, 0, .leastNonzeroMagnitude,
      .leastNormalMagnitude, 1, Float(1).nextUp, .greatestFiniteMagnitude,
    ]
    for (index, value) in ascending.enumerated() {
      #expect(score(ofRank: rank(of: value)) == value)
      let labels = ascending.indices.map { UInt8($0 >= max(index, 1) ? 1 : 0) }
      #expect(try Evaluation.auroc(scores: ascending.reversed(), labels: labels.reversed()) == 1)
      #expect(try Evaluation.f1Max(scores: ascending, labels: labels).threshold == ascending[max(index, 1)])
    }
    let masks: [UInt8] = [0, 0, 0, 0, 1, 1]
    let values: [Float] = [-.greatestFiniteMagnitude, -1, 0, 1, 2, .greatestFiniteMagnitude]
    expectClose(try Evaluation.auproStandard(maps: values, masks: masks, width: 3, height: 2), 1, within: 1e-12)
  }

  @Test func sortsByTheUpperBitsAlone() throws {
    var random = Random(seed: 1, purpose: "ranks")
    let values = (0..<1000).map { _ -> UInt64 in
      let above = random.next() >> (32 + random.next() % 32)  // Of every length, many of them equal.
      return above << 32 | random.next() >> 40
    }
    var sorted = values
    try sorted.withUnsafeMutableBufferPointer { sorted in
      guard let base = sorted.baseAddress else { return }
      try sortByRank(base, count: sorted.count)
    }
    // Stable: what is in the lower bits keeps its order.
    let expected = values.enumerated().sorted { ($0.element >> 32, $0.offset) < ($1.element >> 32, $1.offset) }
      .map { $0.element }
    #expect(sorted == expected)
  }

  @Test func aPerfectMap() throws {
    let masks: [UInt8] = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    let maps = zip(masks.indices, masks).map { Float($0) + ($1 == 0 ? 0 : 100) }
    expectClose(try Evaluation.auproStandard(maps: maps, masks: masks, width: 4, height: 3), 1, within: 1e-12)
    #expect(try Evaluation.auroc(scores: maps, labels: masks) == 1)
  }

  @Test func refusesWhatHasNoMeasure() {
    func refuses(_ scores: [Float], _ labels: [UInt8]) {
      #expect(throws: Failure.self) { try Evaluation.auroc(scores: scores, labels: labels) }
      #expect(throws: Failure.self) { try Evaluation.averagePrecision(scores: scores, labels: labels) }
      #expect(throws: Failure.self) { try Evaluation.f1Max(scores: scores, labels: labels) }
      #expect(throws: Failure.self) {
        try Evaluation.auproPaper(maps: scores, masks: labels, width: 2, height: 1)
      }
      #expect(throws: Failure.self) {
        try Evaluation.auproStandard(maps: scores, masks: labels, width: 2, height: 1)
      }
    }
    refuses([], [])
    refuses([1, 2], [0, 0])
    refuses([1, 2], [1, 1])
    refuses([1, 2], [0])
    refuses([1, .nan], [0, 1])
    refuses([.infinity, 0], [0, 1])
    #expect(throws: Failure.self) { try Evaluation.auproPaper(maps: [1, 2], masks: [0, 1], width: 0, height: 1) }
    #expect(throws: Failure.self) { try Evaluation.auproPaper(maps: [1, 2], masks: [0, 1], width: 3, height: 1) }
    #expect(throws: Failure.self) {
      try Evaluation.auproPaper(maps: [1, 2], masks: [0, 1], width: .max, height: .max)
    }
    #expect(throws: Failure.self) { try Regions(width: 1 << 20, height: 1 << 20) }
    #expect(throws: Failure.self) { try Regions(width: -1, height: 1) }
    // Every good pixel has the same value: there is no curve to take an area under.
    #expect(throws: Failure.self) { try Evaluation.auproPaper(maps: [1, 2], masks: [0, 1], width: 2, height: 1) }
  }
}
