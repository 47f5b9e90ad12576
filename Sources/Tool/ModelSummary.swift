import Basics
import Encoders
import FoundationEssentials
import ImageFiles
import Imaging
import Kernels
import ModelFile
import Scoring

extension StrangeFrame: Codable {}

/// What `cflowad info` tells about a model file. The property names, in snake case, are those of the JSON object.
struct ModelSummary: Codable {
  enum Kind: String, Codable { case encoder, detector }

  struct Input: Codable {
    var width: Int
    var height: Int
    var mean: [Float]
    var standardDeviation: [Float]
    /// Samples of more than 8 bits that are black and white, as shares of their full scale.
    var window: [Float]
    /// The version of Pillow that resizing follows.
    var resample: String
  }

  struct Tiles: Codable {
    var width: Int
    var height: Int
    var overlap: Int
  }

  struct Level: Codable {
    var tap: String
    var width: Int
    var height: Int
    var channels: Int
  }

  struct Flow: Codable {
    /// What a fiber goes through before the first block: "gaussian" or "none".
    var start: String
    var blocks: Int
    var conditionChannels: Int
    var permutation: String
    var clamp: String
    var clampAlpha: Float
    /// The number of weights of all levels.
    var parameters: Int
  }

  /// Frames of a kind that a line never delivers when all is well.
  struct StrangeFrames: Codable {
    var kind: StrangeFrame
    /// Nil for a frame whose scoring fails.
    var scores: [Float?]
    /// The means of their maps; nil when they were not stored.
    var means: [Float?]?
    var verdicts: [Verdict]
  }

  struct Calibration: Codable {
    var threshold: Float
    var reviewThreshold: Float?
    /// Score below which frames get ``lowVerdict``; nil when low scores pass.
    var lowThreshold: Float?
    var lowVerdict: Verdict?
    /// The largest share of good frames below it, on average.
    var lowPromisedRate: Double?
    /// Mean of the map above which frames get ``lowVerdict``; nil when there is no such threshold.
    var meanThreshold: Float?
    /// What calibration found about frames that should not pass; nil when it is not known.
    var strangeFrames: [StrangeFrames]?
    var pixelThreshold: Float
    var mapLow: Float
    var mapHigh: Float
    /// Standard deviation of the Gaussian that smooths maps, pixels of the network's input; 0 for none.
    var mapSmoothing: Double
    /// The largest share of good frames above the threshold, on average; nil when the file does not hold the scores.
    var promisedRate: Double?
    var total: Double
    var levelMaxima: [Double]
    var frames: Int
    /// The share of the network's input in which it was calibrated, 0...1; nil for all.
    var regionOfInterest: Double?
    /// How many defective frames took part in the choice of the threshold.
    var defectiveFrames: Int
    /// The lowest score of the calibration frames; nil when the file does not hold them.
    var lowestScore: Float?
    var medianScore: Float?
    var highestScore: Float?
  }

  var file: String
  var fileBytes: Int
  /// The fingerprint of the file's bytes: files with the same one hold the same model.
  var fingerprint: String
  /// The detector's name by its contents: SHA-256 of weights, calibration and all else that scores depend on; nil for an encoder.
  var identity: String?
  /// When the file was written, in UTC.
  var modified: String
  var kind: Kind
  var architecture: String
  var padding: String
  /// What the detector computes in.
  var precision: String
  var encoderParameters: Int
  var input: Input
  /// The tiles in pixels of the frame; nil when frames are not cut.
  var tiles: Tiles?
  var levels: [Level]
  var flow: Flow?
  var calibration: Calibration?
  /// The scratch memory of one scoring session, beside the weights; nil for an encoder.
  var sessionBytes: Int?
  /// What is worth knowing about a detector, a sentence or a few each; nil for an encoder.
  var advice: [String]?
  /// Nil where it was not asked for.
  var verification: Verification?
  var provenance: [String: String]

  /// - Parameter isVerified: whether the weights' digest is computed anew, and a detector's self-test run.
  init(path: String, isVerified: Bool = false) throws(Failure) {
    let contents = try ModelFile.open(path: path)
    do throws(Failure) {
      try self.init(contents, path: path, isVerified: isVerified)
    } catch {
      throw error.within(path)
    }
  }

  private init(_ contents: DetectorContents, path: String, isVerified: Bool) throws(Failure) {
    var status = stat()
    file = path.shown
    guard stat(path.pathBytes, &status) == 0 else { throw Failure(.io, "the file is gone") }
    fileBytes = Int(status.st_size)
    modified = String(Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec)))
    fingerprint = try Self.fingerprint(path)
    let storedDigest = contents.weightsDigest
    let digest = storedDigest == nil || isVerified ? try contents.computedWeightsDigest() : nil
    var contents = contents
    contents.weightsDigest = storedDigest ?? digest
    identity = contents.flow == nil ? nil : contents.identity
    kind = contents.flow == nil ? .encoder : .detector
    architecture = contents.encoder.architecture
    padding = contents.encoder.padding.rawValue
    precision = contents.encoder.precision.rawValue
    encoderParameters = contents.encoderWeights.parameterCount
    let preprocessing = contents.preprocessing
    input = Input(
      width: preprocessing.width, height: preprocessing.height, mean: preprocessing.mean,
      standardDeviation: preprocessing.standardDeviation,
      window: [preprocessing.window.low, preprocessing.window.high], resample: preprocessing.resampling.name)
    tiles = preprocessing.tiling.map { Tiles(width: $0.width, height: $0.height, overlap: $0.overlap) }
    provenance = contents.provenance
    let grids: [Grid]
    if let description = contents.flow {
      let detector = try Detector(contents)
      grids = detector.levels
      flow = Flow(
        start: description.start.rawValue, blocks: description.blockCount,
        conditionChannels: description.conditionChannels,
        permutation: description.permutation.rawValue, clamp: description.clamp.rawValue,
        clampAlpha: description.clampAlpha,
        parameters: contents.flowWeights.reduce(0) { $0 + $1.parameterCount })
      calibration = contents.calibration.map { Calibration($0) }
      sessionBytes = try detector.sessionBytes
      advice = detector.advice.lines
      if isVerified { verification = try Verification(detector, hasSameWeights: storedDigest.map { $0 == digest }) }
    } else {
      let encoder = try Encoder(contents.encoder, weights: contents.encoderWeights)
      grids = try encoder.levelGrids(height: preprocessing.height, width: preprocessing.width)
    }
    levels = zip(contents.encoder.taps, grids).map {
      Level(tap: $0, width: $1.width, height: $1.height, channels: $1.channels)
    }
  }

  private static func fingerprint(_ path: String) throws(Failure) -> String {
    let file = try RegularFile(path: path)
    var fingerprint = Fingerprint()
    var done = 0
    do throws(Failure) {
      while case let bytes = try file.read(at: done, upTo: 1 << 16), !bytes.isEmpty {
        fingerprint.add(bytes)
        done += bytes.count
      }
    } catch { throw error.within(path) }
    return fingerprint.text
  }
}

extension ModelSummary.Calibration {
  init(_ calibration: Scoring.Calibration) {
    let scores = calibration.scores.sorted()
    let lowSide = calibration.lowSide
    self.init(
      threshold: calibration.threshold, reviewThreshold: calibration.reviewThreshold,
      lowThreshold: lowSide?.threshold, lowVerdict: lowSide?.verdict,
      lowPromisedRate: scores.isEmpty ? nil : lowSide.map { calibration.promisedRate(below: $0.threshold) },
      meanThreshold: calibration.meanThreshold,
      strangeFrames: calibration.strangeScores.isEmpty
        ? nil
        : StrangeFrame.allCases.compactMap { kind in
          calibration.strangeScores[kind].map { scores in
            ModelSummary.StrangeFrames(
              kind: kind, scores: scores.map { $0.isFinite ? $0 : nil },
              means: calibration.strangeMeans[kind].map { $0.map { $0.isFinite ? $0 : nil } },
              verdicts: calibration.verdicts(kind))
          }
        },
      pixelThreshold: calibration.mapScale.threshold, mapLow: calibration.mapScale.low,
      mapHigh: calibration.mapScale.high, mapSmoothing: calibration.smoothing,
      promisedRate: scores.isEmpty ? nil : calibration.promisedRate(above: calibration.threshold),
      total: calibration.total, levelMaxima: calibration.levelMaxima, frames: scores.count,
      regionOfInterest: calibration.regionOfInterest.map { Double($0.mask.count { $0 != 0 }) / Double($0.mask.count) },
      defectiveFrames: calibration.defectiveScores.count, lowestScore: scores.first,
      medianScore: scores.isEmpty ? nil : (scores[(scores.count - 1) / 2] + scores[scores.count / 2]) / 2,
      highestScore: scores.last)
  }
}
