import Basics
import FoundationEssentials
import ImageFiles

/// The measures of a class's training under a seed, epoch by epoch. Each record is a JSON file.
struct RunRecord: Codable, Equatable {
  /// The settings that determine the numbers. A file of other settings is not resumed.
  struct Settings: Codable, Equatable {
    var encoder: String
    var width: Int
    var height: Int
    var levels: Int
    var blocks: Int
    var metaEpochs: Int
    var subEpochs: Int
    var batch: Int
    var learningRate: Float
    var rotation: Float
    var seed: UInt64
    var trainingImages: Int
    var testImages: Int
  }

  struct Epoch: Codable, Equatable {
    /// Counted from 0.
    var epoch: Int
    /// Measured by the paper's protocol.
    var measures: Measures
  }

  var name: String
  var settings: Settings
  /// The finished meta epochs in their order.
  private(set) var epochs: [Epoch] = []

  init(name: String, settings: Settings) {
    self.name = name
    self.settings = settings
  }

  /// Whether all meta epochs are done.
  var isFinished: Bool { epochs.count == settings.metaEpochs }

  /// Adds an epoch's measures. They replace those of the same epoch, which a killed run repeats.
  mutating func add(_ measures: Measures, epoch: Int) {
    epochs.removeAll { $0.epoch >= epoch }
    epochs.append(Epoch(epoch: epoch, measures: measures))
  }

  /// A measure after the last epoch.
  func last(_ measure: KeyPath<Measures, Double?>) -> Double? { epochs.last?.measures[keyPath: measure] }

  /// A measure of the epoch that is best on the test set itself, which is how the published numbers were chosen.
  func best(_ measure: KeyPath<Measures, Double?>) -> Double? {
    epochs.compactMap { $0.measures[keyPath: measure] }.max()
  }

  /// The record of a file; nil when there is none. Fails with `.format` for a file that is no record, and with `.state`
  /// for a record of other settings.
  static func load(_ path: String, settings: Settings) throws(Failure) -> RunRecord? {
    guard access(path.pathBytes, F_OK) == 0 else { return nil }
    let file = try RegularFile(path: path)
    let bytes: [UInt8]
    do throws(Failure) { bytes = try file.read() } catch { throw error.within(path) }
    guard let record = try? decodeJSON(RunRecord.self, bytes) else {
      throw Failure(.format, "\(path): it is no record of a run by this version; choose another folder for results")
    }
    guard record.settings == settings else {
      throw Failure(.state, "\(path): it was made with other settings; choose another folder for results")
    }
    return record
  }

  func write(_ path: String) throws(Failure) { try TextFile.write(json(self, isIndented: true) + "\n", to: path) }
}
