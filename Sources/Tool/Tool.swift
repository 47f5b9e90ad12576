import ArgumentParser
import Basics
import CFlowADHeader

/// The command-line tool `cflowad`.
@main
struct Tool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cflowad",
    abstract: "Visual anomaly detection with CFLOW-AD: learns what good parts look like, and finds what does not.",
    discussion: """
      A detector is trained from pictures of good parts alone. It gives every picture an anomaly score, the higher the \
      less it looks like a good part, and a heat map that shows where. Good parts have scores well above 0 too; what is \
      too high is for the detector's threshold to say. No score exceeds the number of feature levels (3) by much. \
      Pictures are PNG, JPEG, TIFF, BMP, WebP or PNM files of any size and kind; model files are HDF5.

      Results go to standard output, progress and messages to standard error. Exit status: 0 when all went well, 1 when \
      something failed, 64 for a command line that is not understood, 130 after Ctrl-C.

      Examples, from an encoder to verdicts:

        python -m cflowad export encoder --wheel efficientnet-lite0 -o encoder.h5
        cflowad info encoder.h5
        cflowad train encoder.h5 good/ -o detector.h5
        cflowad score detector.h5 unseen/ --maps heat/ --overlay
      """,
    version: "cflowad \(version)",
    subcommands: [
      TrainCommand.self, CalibrateCommand.self, QuantizeCommand.self, ScoreCommand.self, EvaluateCommand.self,
      ReproduceCommand.self, InfoCommand.self, BenchCommand.self, ServeCommand.self,
    ])

  static let version = "\(CFLOWAD_VERSION_MAJOR).\(CFLOWAD_VERSION_MINOR).\(CFLOWAD_VERSION_PATCH)"

  /// Runs the command that the arguments name. Errors are printed in one line.
  static func main() {
    if let word = CommandLine.arguments.dropFirst().first, let message = unknownCommand(word) {
      Output.note("\(message) (see cflowad --help)")
      exit(withError: ExitCode.validationFailure)
    }
    do {
      // Swift's own arguments lose bytes that are not UTF-8.
      let arguments = (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
        CommandLine.unsafeArgv[index].map { String(path: $0) }
      }
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let failure as Failure {
      Output.note(failure.message)
      exit(withError: ExitCode(failure.kind == .cancelled ? 130 : 1))
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      let message = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
      Output.note("\(message) (see \(helpCommand))")
      exit(withError: ExitCode.validationFailure)
    }
  }

  /// The command whose help explains the command line.
  private static var helpCommand: String {
    let word = CommandLine.arguments.dropFirst().first
    let command = configuration.subcommands.compactMap { $0.configuration.commandName }.first { $0 == word }
    return "cflowad \(command.map { "\($0) " } ?? "")--help"
  }

  /// A message about a first argument that is neither a command nor an option, perhaps with what was meant.
  private static func unknownCommand(_ word: String) -> String? {
    // `help` is ArgumentParser's own command.
    let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !word.hasPrefix("-"), !known.contains(word) else { return nil }
    let meant = Suggestion.nearest(to: word, of: known)
    return "there is no command '\(word)'" + (meant.map { "; did you mean '\($0)'?" } ?? "")
  }
}
