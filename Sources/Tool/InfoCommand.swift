import ArgumentParser
import Basics
import ModelFile

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Describe a model file.",
    discussion: """
      Tells what a model file holds, an encoder alone or a detector, how it was calibrated and made, how large it is \
      and how much memory scoring with it takes beside the weights. The file is checked as if it were used. The identity \
      of a detector is SHA-256 of all that its scores depend on, whatever file it is in.

      --verify computes the weights' SHA-256 anew, and scores a frame whose numbers the file has held since the detector \
      was calibrated: a changed weight, a fault of memory or wrongly built kernels show, and make the exit status 1.

      Examples:

        cflowad info detector.h5
        cflowad info detector.h5 --verify
        cflowad info encoder.h5 --json
      """)

  @Argument(help: ArgumentHelp("Model file.", valueName: "file.h5"))
  var model: String

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  @Flag(help: "Verify the weights and what the detector computes.")
  var verify = false

  func run() throws {
    let summary = try ModelSummary(path: model, isVerified: verify)
    try Output.line(json ? cflowad.json(summary, isIndented: true) : summary.text)
    if verify, summary.kind == .encoder { Output.note("\(model): an encoder alone computes nothing to verify") }
    if summary.verification?.isFailed == true { throw ExitCode.failure }
  }
}
