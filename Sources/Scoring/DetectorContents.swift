import Basics
import Encoders
import Flows
import Imaging

/// All that a model file holds. Training produces it, and a ``Detector`` is prepared from it.
package struct DetectorContents: Sendable {
  package var encoder: EncoderDescription
  package var preprocessing: Preprocessing
  /// Nil for a file that holds only an encoder, to train from.
  package var flow: FlowDescription?
  package var encoderWeights: StateDictionary { didSet { weightsDigest = nil } }
  /// One per level, finest first, with FrEIA's keys (`module_list.0.subnet.0.weight`); empty without `flow`.
  package var flowWeights: [StateDictionary] { didSet { weightsDigest = nil } }
  package var calibration: Calibration?
  /// The value of ``computedWeightsDigest(_:)`` that a file has stored; nil when it is not known.
  package var weightsDigest: String?
  /// What the detector computed of a known frame when it was made; nil where it is not known.
  package var selfTest: SelfTest?
  /// Fingerprints of the frames that the flows were trained on; empty when they are not known.
  package var trainedFrames: Set<UInt64>
  /// What the fit has found out; nil where it is not known.
  package var fit: FitSummary?
  /// How it was made: settings and origin by name, for people; nothing is computed from it. Known names are `name`, what people
  /// call the detector, and `created`, when it was made.
  package var provenance: [String: String]

  package init(
    encoder: EncoderDescription, preprocessing: Preprocessing, flow: FlowDescription? = nil,
    encoderWeights: StateDictionary, flowWeights: [StateDictionary] = [], calibration: Calibration? = nil,
    trainedFrames: Set<UInt64> = [], fit: FitSummary? = nil, provenance: [String: String] = [:]
  ) {
    self.encoder = encoder
    self.preprocessing = preprocessing
    self.flow = flow
    self.encoderWeights = encoderWeights
    self.flowWeights = flowWeights
    self.calibration = calibration
    self.trainedFrames = trainedFrames
    self.fit = fit
    self.provenance = provenance
  }

  /// Reads all values into memory that are still in a file.
  package mutating func load() throws(Failure) {
    let digest = weightsDigest
    encoderWeights = try encoderWeights.loaded()
    for level in flowWeights.indices { flowWeights[level] = try flowWeights[level].loaded() }
    // Reading the values does not change them, so the digest still holds.
    weightsDigest = digest
  }
}
