import Basics
import FoundationEssentials
import ImageFiles
import ModelFile
import Scoring

/// Writes a detector with another threshold.
final class ThresholdExport: Sendable {
  private let model: String
  /// The file that is written.
  let output: String
  let isInPlace: Bool
  private let isForbidden = Locked(false)

  /// Checks the file to write, so that a choice is not lost for it.
  ///
  /// - Parameter output: nil for a file of its own beside the model.
  init(model: String, output: String?) throws(Failure) {
    self.model = model
    self.output = output ?? "\(model.stem)-threshold.h5"
    isInPlace = FileIdentity(self.output) != nil && FileIdentity(self.output) == FileIdentity(model)
    if output != nil { try OutputPaths.check([self.output]) }
  }

  /// From now on nothing is written.
  func forbid() { isForbidden.withLock { $0 = true } }

  var isAllowed: Bool { !isForbidden.withLock { $0 } }

  /// Writes the choice, and says so.
  func write(_ choice: ThresholdChoice, _ line: LiveLine) throws(Failure) -> String {
    // One at a time.
    try isForbidden.withLock { (isForbidden) throws(Failure) in
      guard !isForbidden else {
        throw Failure(
          .state, "nothing is written: other machines reach this page, and neither --output nor --in-place was given")
      }
      let snapshot = line.snapshot
      var contents = try ModelFile.read(path: model)
      if contents.weightsDigest == nil { contents.weightsDigest = try contents.computedWeightsDigest() }
      guard contents.identity == snapshot.identity else {
        throw Failure(.state, "\(model): it is another detector now than when this page was begun")
      }
      let calibration = try choice.calibration(from: snapshot.calibration)
      contents.calibration = calibration
      contents.provenance["created"] = Date.reproducibleNow.ISO8601Format()
      try ModelFile.write(contents, to: output, encoderFile: try sharedEncoder)
      if isInPlace { line.setCalibration(calibration, identity: contents.identity) }
      return "\(output): written with the threshold \(calibration.threshold)"
    }
  }

  /// The file that the model shares an encoder by, where the output lies beside it too.
  private var sharedEncoder: String? {
    get throws(Failure) {
      let folders = [model, output].map { FileIdentity(AtomicFile.folder(of: $0)) }
      return folders[0] == folders[1] ? try ModelFile.encoderFile(of: model) : nil
    }
  }
}
