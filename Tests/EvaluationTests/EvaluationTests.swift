import Basics
import Foundation
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
    #expect(Self.index.scores.count == 6)
    #expect(Self.index.maps.count == 6)
  }

  @Test(arguments: index.scores) func auroc(_ test: Scores) throws {
    #expect(abs(try Evaluation.auroc(scores: test.values, labels: test.labels) - test.auroc) < 1e-12)
    // Any value but 0 is a defect.
    #expect(abs(try Evaluation.auroc(scores: test.values, labels: test.labels.map { $0 * 255 }) - test.auroc) < 1e-12)
  }

  @Test(arguments: index.scores) func f1(_ test: Scores) throws {
    let best = try Evaluation.f1Optimum(scores: test.values, labels: test.labels)
    #expect(abs(best.f1 - test.f1) < 1e-12)
    #expect(best.threshold == Float(test.f1_threshold) / 256)
  }

  @Test(arguments: index.maps) func regionsAreLabelled(_ test: Maps) {
    let size = test.width * test.height
    let count = stride(from: 0, to: test.masks.count, by: size).reduce(0) { sum, offset in
      test.masks.withUnsafeBufferPointer {
        sum + Regions($0, offset: offset, width: test.width, height: test.height).pixels.count
      }
    }
    #expect(count == test.regions)
  }

  @Test(arguments: index.maps) func auproPaper(_ test: Maps) throws {
    let value = try Evaluation.auproPaper(
      maps: test.values, masks: test.masks, width: test.width, height: test.height)
    #expect(abs(value - test.aupro_paper) < 1e-12)
  }

  @Test(arguments: index.maps) func auproStandard(_ test: Maps) throws {
    let value = try Evaluation.auproStandard(
      maps: test.values, masks: test.masks, width: test.width, height: test.height)
    #expect(abs(value - test.aupro_standard) < 1e-12)
  }

  @Test func aPerfectMap() throws {
    let masks: [UInt8] = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    let maps = zip(masks.indices, masks).map { Float($0) + ($1 == 0 ? 0 : 100) }
    #expect(abs(try Evaluation.auproStandard(maps: maps, masks: masks, width: 4, height: 3) - 1) < 1e-12)
    #expect(try Evaluation.auroc(scores: maps, labels: masks) == 1)
  }

  @Test func refusesWhatHasNoMeasure() {
    func refuses(_ scores: [Float], _ labels: [UInt8]) {
      #expect(throws: Failure.self) { try Evaluation.auroc(scores: scores, labels: labels) }
      #expect(throws: Failure.self) { try Evaluation.f1Optimum(scores: scores, labels: labels) }
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
    // Every good pixel has the same value: there is no curve to take an area under.
    #expect(throws: Failure.self) { try Evaluation.auproPaper(maps: [1, 2], masks: [0, 1], width: 2, height: 1) }
  }
}
