import Basics
import Encoders
import Execution
import Flows
import Imaging
import Kernels

/// A detector ready to score: encoder, one flow per level and calibration. Immutable and shared by all its sessions, on
/// any thread.
package final class Detector: Sendable {
  package let preprocessing: Preprocessing
  package let encoderDescription: EncoderDescription
  package let flowDescription: FlowDescription
  /// The grid of each level, finest first.
  package let levels: [Grid]
  package let calibration: Calibration?
  /// What the fit found out; nil where it is not known.
  package let fit: FitSummary?
  /// How it was made, by name.
  package let provenance: [String: String]
  /// ``DetectorContents/identity``; nil where the weights' digest is not known, as in the middle of a training.
  package let identity: String?
  package let selfTest: SelfTest?
  /// Texts for C, made when they are first asked for.
  private let texts = Locked<[String: Buffer<CChar>]>([:])
  /// The number of weights in the model file.
  package let parameterCount: Int
  package let encoder: Encoder
  /// One flow for each level.
  package let flows: [Flow]

  /// Prepares the weights. Fails with `.format` or `.unsupported` when the contents do not make a detector.
  ///
  /// Weights that are still in a file are read as they are prepared.
  ///
  /// - Parameter workers: prepare the weights; nil for threads of their own, on all processors.
  package init(_ contents: DetectorContents, workers: Workers? = nil) throws(Failure) {
    guard let flow = contents.flow else {
      throw Failure(.format, "the file holds an encoder without flows: it is for training, not for scoring")
    }
    let workers = if let workers { workers } else { try Self.preparers }
    let encoder = try SharedEncoders.encoder(
      contents.encoder, weights: contents.encoderWeights,
      inputSize: EncoderInputSize(height: contents.preprocessing.height, width: contents.preprocessing.width),
      workers: workers)
    let levels: [Grid]
    do throws(Failure) {
      levels = try encoder.levelGrids(height: contents.preprocessing.height, width: contents.preprocessing.width)
    } catch {
      // The size came from the file, so it is the format that is wrong, not an argument.
      throw Failure(error.kind == .invalidArgument ? .format : error.kind, error.message)
    }
    guard contents.flowWeights.count == levels.count else {
      throw Failure(.format, "\(contents.flowWeights.count) flows do not fit \(levels.count) feature levels")
    }
    if let calibration = contents.calibration, calibration.levelMaxima.count != levels.count {
      throw Failure(
        .format,
        "the calibration of \(calibration.levelMaxima.count) levels does not fit \(levels.count) feature levels")
    }
    // With tiles a map's size follows from the frame's, so any region fits.
    if contents.preprocessing.tiling == nil, let region = contents.calibration?.regionOfInterest {
      guard region.width == contents.preprocessing.width, region.height == contents.preprocessing.height else {
        throw Failure(.format, "the region of interest is not of the network input's size")
      }
    }
    let memory = WeightMemory()
    var flows: [Flow] = []
    for (level, grid) in levels.enumerated() {
      do {
        flows.append(
          try Flow(
            flow, weights: contents.flowWeights[level], grid: grid, precision: contents.encoder.precision,
            memory: memory, workers: workers))
      } catch {
        throw error.within("flow \(level)")
      }
    }
    memory.close()
    self.preprocessing = contents.preprocessing
    self.encoderDescription = contents.encoder
    self.flowDescription = flow
    self.levels = levels
    self.calibration = contents.calibration
    self.fit = contents.fit
    self.provenance = contents.provenance
    self.identity = contents.identity
    self.selfTest = contents.selfTest
    self.parameterCount = contents.flowWeights.reduce(contents.encoderWeights.parameterCount) {
      $0 + $1.parameterCount
    }
    self.encoder = encoder
    self.flows = flows
  }

  /// Copies a detector with another calibration, which must fit its levels and maps, or without one.
  package init(_ other: Detector, calibration: Calibration?) {
    preprocessing = other.preprocessing
    encoderDescription = other.encoderDescription
    flowDescription = other.flowDescription
    levels = other.levels
    parameterCount = other.parameterCount
    encoder = other.encoder
    flows = other.flows
    fit = other.fit
    provenance = other.provenance
    identity = nil
    selfTest = nil
    self.calibration = calibration
  }

  /// What is worth knowing about it.
  package var advice: Advice {
    Advice(
      fit: fit, calibration: calibration, startsAtGaussian: flowDescription.start == .gaussian, levels: levels)
  }

  /// The advice as characters for C. Fails with `.outOfMemory`.
  package var adviceCharacters: UnsafePointer<CChar> {
    get throws(Failure) { try characters(of: "") { advice.text } }
  }

  /// The text of ``provenance`` under a name as characters for C; nil when there is none. Fails with `.outOfMemory`.
  package func provenanceCharacters(_ name: String) throws(Failure) -> UnsafePointer<CChar>? {
    guard let text = provenance[name] else { return nil }
    return try characters(of: "text \(name)") { text }
  }

  /// The name at a place among those of ``provenance`` in alphabetical order; nil beyond the last. Fails with `.outOfMemory`.
  package func provenanceName(_ index: Int) throws(Failure) -> UnsafePointer<CChar>? {
    let names = provenance.keys.sorted()
    guard names.indices.contains(index) else { return nil }
    return try characters(of: "name \(names[index])") { names[index] }
  }

  /// A text as NUL-terminated UTF-8 that lives as long as the detector.
  private func characters(of key: String, _ text: () -> String) throws(Failure) -> UnsafePointer<CChar> {
    try texts.withLock { texts throws(Failure) in
      if let known = texts[key] { return UnsafePointer(known.base) }
      let characters = text().utf8CString
      let buffer = try Buffer<CChar>(count: characters.count)
      for (index, character) in characters.enumerated() { buffer.base[index] = character }
      texts[key] = buffer
      return UnsafePointer(buffer.base)
    }
  }

  /// The threads that prepare weights. A few are enough, since the speed of memory limits them. Where none can be started, the
  /// calling thread works alone.
  static var preparers: Workers {
    get throws(Failure) {
      do throws(Failure) { return try Workers(count: min(Workers.processorCount, 8)) } catch {
        return try Workers(count: 1)
      }
    }
  }

  /// Positions of all levels together: the length of a tile's log-likelihoods.
  package var positionCount: Int { levels.reduce(0) { $0 + $1.positions } }

  /// Floats of all levels' features of a tile together.
  package var featureCount: Int { levels.reduce(0) { $0 + $1.count } }

  /// Scratch memory of one session with one thread per processor; a frame's own size adds a little.
  package var sessionBytes: Int {
    get throws(Failure) {
      let pixels = preprocessing.width * preprocessing.height
      let threads = Workers.processorCount
      let encoder = try EncoderSession.byteCount(
        encoder, height: preprocessing.height, width: preprocessing.width, workerCount: threads)
      // Beside encoder and flows, a session has the normalised input, the anomaly map, the log-likelihoods and the resized frame.
      let floats = FlowSession.scratchCount(flows, workerCount: threads) + 4 * pixels + positionCount
      return encoder + 4 * floats + 3 * pixels
    }
  }
}
