import ArgumentParser
import Basics
import ModelFile

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Describe a model file.",
    discussion: """
      Tells what a model file holds, an encoder alone or a detector, how it was calibrated and made, how large it is \
      and how much memory scoring with it takes beside the weights. The file is checked as if it were used.

      Examples:

        cflowad info detector.h5
        cflowad info encoder.h5 --json
      """)

  @Argument(help: ArgumentHelp("Model file.", valueName: "file.h5"))
  var model: String

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  func run() throws {
    let summary = try ModelSummary(path: model)
    try Output.line(json ? cflowad.json(summary, isIndented: true) : summary.text)
  }
}
