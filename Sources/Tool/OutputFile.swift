import ArgumentParser
import Basics
import Encoders
import FoundationEssentials
import ModelFile
import Scoring
import Training

/// The `-o` of commands that write a model file.
struct OutputFile: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Model file to write; one that exists is replaced.", valueName: "detector.h5"),
    completion: .file(extensions: ["h5"]))
  var path: String

  @Option(
    help: ArgumentHelp(
      "Store the encoder in this file of the same folder, for detectors to share; one that exists must hold the same "
        + "encoder.", valueName: "name"))
  var encoderFile: String?

  @Option(
    help: ArgumentHelp(
      "What people call the detector; kept in the file. (default: as the file to begin with has it)", valueName: "text")
  )
  var name: String?

  func validate() throws {
    guard name.map({ (1...Trainer.longestText).contains($0.utf8.count) }) ?? true else {
      throw ValidationError("the name has not 1 to \(Trainer.longestText) bytes")
    }
  }

  /// Checks the files to write, so that the command fails before the work rather than after it.
  ///
  /// - Parameters:
  ///   - contents: the contents of the model file that the command starts from.
  ///   - precision: what its encoder is made to compute in; one of 8 bits stays so.
  ///   - inputs: other files that the command reads.
  ///   - others: further files that it writes.
  func check(
    for contents: DetectorContents, precision: Precision = .float32, inputs: [String], others: [String] = []
  ) throws(Failure) {
    try OutputPaths.check([path] + others, inputs: inputs)
    // A file that is no model file may be replaced, as the help says.
    if let replaced = try? ModelFile.open(path: path), replaced.flow == nil {
      throw Failure(
        .invalidArgument, "\(path): it holds an encoder, which the detector would replace; choose another name")
    }
    if let encoderFile {
      try ModelFile.checkEncoderFile(
        encoderFile, for: contents, precision: contents.encoder.precision == .int8 ? .int8 : precision, beside: path)
    }
  }

  /// Writes the detector, and prints what its threshold is based on and its advice.
  ///
  /// - Parameter isHeldBack: whether the calibration frames were held back from those to train on.
  func write(_ contents: DetectorContents, _ advice: Advice, isHeldBack: Bool) throws(Failure) {
    var contents = contents
    contents.provenance["created"] = Date.reproducibleNow.ISO8601Format()
    if let name { contents.provenance["name"] = name }
    try ModelFile.write(contents, to: path, encoderFile: encoderFile)
    guard let calibration = contents.calibration else { return }
    Output.note(
      "\(path): threshold \(String(Double(calibration.threshold), decimals: 6)) from "
        + String(calibration.scores.count, of: isHeldBack ? "frame" : "calibration frame")
        + (isHeldBack ? " held back" : "")
        + (calibration.defectiveScores.isEmpty
          ? "" : " and \(String(calibration.defectiveScores.count, of: "defective frame"))"))
    for line in advice.lines { Output.note("\(path): \(line)") }
  }
}
