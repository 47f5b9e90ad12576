import ArgumentParser
import Basics
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

  /// Says before the work rather than after it that the file cannot be written.
  func check() throws(Failure) { try TextFile.check(path) }

  /// Writes the detector and says what its threshold rests on and promises.
  func write(_ contents: DetectorContents, options: TrainingOptions) throws(Failure) {
    try ModelFile.write(contents, to: path, encoderFile: encoderFile)
    guard let calibration = contents.calibration else { return }
    defer {
      for text in TrustNotes(calibration).texts { Output.note("\(path): \(text)") }
    }
    let frames = String(calibration.scores.count, of: "frame")
    Output.note(
      "\(path): threshold \(String(Double(calibration.threshold), decimals: 6)) from \(frames) held back"
        + (calibration.defectiveScores.isEmpty
          ? "" : " and \(String(calibration.defectiveScores.count, of: "defective frame"))"))
    guard options.thresholdRule == .conformal else {
      Output.note(
        "of good frames about \(percent(calibration.promisedRate(above: calibration.threshold))) are above it")
      return
    }
    let wantedRate = Double(options.falseRejectRate)
    let promise = ConformalPromise(frameCount: calibration.scores.count, wantedRate: wantedRate)
    Output.note(
      "new good frames are above it with a probability of at most \(percent(promise.rate)), on average over calibrations; "
        + "after 95 of 100 of \(percent(promise.likelyRate))")
    if let needed = ConformalPromise.framesNeeded(wantedRate: wantedRate), needed > calibration.scores.count {
      Output.note(
        "\(frames) held back cannot support a false reject rate of \(percent(wantedRate)): that needs \(needed)")
    }
  }

  private func percent(_ rate: Double) -> String { "\(String(100 * rate, decimals: 2)) %" }
}
