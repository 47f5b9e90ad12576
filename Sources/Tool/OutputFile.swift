import ArgumentParser
import Basics
import Glibc
import ModelFile
import Scoring

/// The `-o` of commands that write a model file.
struct OutputFile: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Model file to write; one that exists is replaced.", valueName: "detector.h5"),
    completion: .file(extensions: ["h5"]))
  var path: String

  /// Says before the work rather than after it that the folder is missing or closed.
  func check() throws(Failure) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(folder, W_OK | X_OK) == 0 else {
      let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
      throw Failure(.io, "\(path): it cannot be written: \(reason)")
    }
  }

  /// Writes the detector and says what its threshold rests on.
  func write(_ contents: DetectorContents, falseRejectRate: Double) throws(Failure) {
    try ModelFile.write(contents, to: path)
    guard let calibration = contents.calibration else { return }
    let count = calibration.scores.count
    Output.note(
      "\(path): threshold \(String(Double(calibration.threshold), decimals: 6)) from \(String(count, of: "frame")) "
        + "held back")
    // Below, no score is high enough for the rate: the threshold is the largest, which 1 in count + 1 exceeds.
    if (Double(count + 1) * (1 - falseRejectRate)).rounded(.up) > Double(count) {
      Output.note(
        "\(String(count, of: "frame")) held back cannot support a false reject rate of "
          + "\(String(100 * falseRejectRate, decimals: 1)) %: it may be \(String(100 / Double(count + 1), decimals: 1)) %"
      )
    }
  }
}
