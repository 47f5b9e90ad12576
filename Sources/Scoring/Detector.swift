import Basics
import Encoders
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
  /// Numbers in the weights as the model file holds them.
  package let parameterCount: Int
  package let encoder: Encoder
  /// One for each level.
  package let flows: [Flow]

  /// Prepares the weights. Fails with `.format` or `.unsupported` when the contents do not make a detector.
  ///
  /// Contents that nobody else keeps give their memory back tensor by tensor, as it is taken by the prepared ones.
  package init(_ contents: consuming DetectorContents) throws(Failure) {
    var contents = consume contents
    guard let flow = contents.flow else {
      throw Failure(.format, "the file holds an encoder without flows: it is for training, not for scoring")
    }
    let parameterCount = contents.flowWeights.reduce(contents.encoderWeights.parameterCount) { $0 + $1.parameterCount }
    // Flows first: they shrink as they are packed, while convolutions may grow fourfold.
    var packedFlows: [PackedFlow] = []
    for level in contents.flowWeights.indices {
      do {
        packedFlows.append(try PackedFlow(flow, weights: contents.flowWeights[level].takeAll()))
      } catch {
        throw error.within("flow \(level)")
      }
    }
    let encoder = try SharedEncoders.encoder(
      contents.encoder, weights: contents.encoderWeights.takeAll(),
      inputSize: EncoderInputSize(height: contents.preprocessing.height, width: contents.preprocessing.width))
    let levels: [Grid]
    do throws(Failure) {
      levels = try encoder.levelGrids(height: contents.preprocessing.height, width: contents.preprocessing.width)
    } catch {
      // The size is the file's, not the caller's.
      throw Failure(error.kind == .invalidArgument ? .format : error.kind, error.message)
    }
    guard packedFlows.count == levels.count else {
      throw Failure(.format, "\(packedFlows.count) flows do not fit \(levels.count) feature levels")
    }
    if let calibration = contents.calibration, calibration.levelMaxima.count != levels.count {
      throw Failure(
        .format,
        "the calibration of \(calibration.levelMaxima.count) levels does not fit \(levels.count) feature levels")
    }
    // Maps of detectors with tiles are as large as their frames.
    if contents.preprocessing.tiling == nil, let region = contents.calibration?.regionOfInterest {
      guard region.width == contents.preprocessing.width, region.height == contents.preprocessing.height else {
        throw Failure(.format, "the region of interest is not of the network input's size")
      }
    }
    var flows: [Flow] = []
    for (level, grid) in levels.enumerated() {
      do {
        flows.append(try Flow(packedFlows[level], grid: grid))
      } catch {
        throw error.within("flow \(level)")
      }
    }
    self.preprocessing = contents.preprocessing
    self.encoderDescription = contents.encoder
    self.flowDescription = flow
    self.levels = levels
    self.calibration = contents.calibration
    self.parameterCount = parameterCount
    self.encoder = encoder
    self.flows = flows
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
      let encoder = try EncoderSession.scratchCount(
        encoder, height: preprocessing.height, width: preprocessing.width, workerCount: threads)
      // Beside encoder and flows: the normalised input, the anomaly map, the log-likelihoods and the resized frame.
      let floats = encoder + FlowSession.scratchCount(flows, workerCount: threads) + 4 * pixels + positionCount
      return 4 * floats + 3 * pixels
    }
  }
}
