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
      A detector is trained from pictures of good parts alone. It gives every picture an anomaly score, about 0 for a \
      normal one and at most about the number of its feature levels (3), and a heat map that shows where. Pictures are \
      PNG, JPEG, TIFF, BMP, WebP or PNM files of any size and kind; model files are HDF5.

      Results go to standard output, progress and messages to standard error. Exit status: 0 when all went well, 1 when \
      something failed, 64 for a command line that is not understood, 130 after Ctrl-C.

      Examples, from an encoder to verdicts:

        cflowad info encoder.h5
        cflowad train encoder.h5 good/ -o detector.h5
        cflowad score detector.h5 unseen/ --maps heat/ --overlay

      An encoder file is made by `python -m cflowad export encoder`.
      """,
    version: "cflowad \(CFLOWAD_VERSION_MAJOR).\(CFLOWAD_VERSION_MINOR).\(CFLOWAD_VERSION_PATCH)",
    subcommands: [
      TrainCommand.self, CalibrateCommand.self, ScoreCommand.self, EvaluateCommand.self, ReproduceCommand.self,
      InfoCommand.self, BenchCommand.self,
    ])

  /// Runs the command that the arguments name. Errors are one line.
  static func main() {
    do {
      // Swift's own arguments lose what is not UTF-8.
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
      Output.note("\(message) (see cflowad --help)")
      exit(withError: ExitCode.validationFailure)
    }
  }
}
