import ArgumentParser
import Foundation
import Flows
import Imaging
import Scoring
import Testing
import Training

@testable import cflowad

struct HelpTests {
  private static let commands: [any ParsableCommand.Type] = [Tool.self] + Tool.configuration.subcommands

  /// As they are printed on a terminal of 80 columns, through a shell.
  @Test(arguments: commands.indices) func examplesCanBePasted(index: Int) throws {
    let help = Tool.helpMessage(for: Self.commands[index], columns: 80)
    let start = try #require(help.range(of: "\nExamples"))
    let block = try #require(help[start.upperBound...].firstRange(of: #/:\n\n((?: .*\n)+)/#))
    let examples = String(help[block]).split(separator: "\n").dropFirst()
    let folder = try TemporaryFolder()
    // What is not of the shell's own is a mistake; arguments come out one a line.
    let script = """
      cflowad() { printf '%s\\n' "$@" >&3; printf '\\n' >&3; }
      python() { :; }
      PATH=; set -e; exec 3>arguments
      \(examples.joined(separator: "\n"))
      """
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(filePath: folder.path)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(script)")
    let commands = try String(contentsOfFile: folder("arguments"), encoding: .utf8).split(separator: "\n\n")
    #expect(commands.count == examples.count { $0.hasPrefix("  cflowad ") } && !commands.isEmpty)
    for command in commands {
      let arguments = command.split(separator: "\n").map { String($0) }
      #expect(throws: Never.self) { _ = try Tool.parseAsRoot(arguments) }
    }
  }

  @Test func choicesHaveNames() {
    let help = Tool.helpMessage(for: TrainCommand.self, columns: 500)
    #expect(help.contains("(values: constant, cosine, steps; default: cosine)"), "\(help)")
    #expect(help.contains("default: 256x256)"))
    #expect(help.contains("(values: pass, review, reject; default: review)"), "\(help)")
    #expect(help.contains("(values: pillow-3.3, pillow-12.2, pillow-13; default: pillow-3.3)"), "\(help)")
  }

  /// Numbers of an option that takes several are written as the shell takes them.
  @Test func defaultsCanBePasted() throws {
    let help = Tool.helpMessage(for: TrainCommand.self, columns: 500)
    for (option, numbers) in [("--window", "0 1"), ("--decay-percents", "50 75 90")] {
      let start = try #require(help.range(of: "\n  \(option) "))
      let text = help[start.upperBound...].prefix(while: { $0 != ")" })
      #expect(text.hasSuffix("(default: \(numbers)") && !text.contains("--"), "\(text)")
      let command = try TrainCommand.parse(
        ["e.h5", "good", "-o", "d.h5", option] + numbers.split(separator: " ").map { String($0) })
      #expect(try command.training.options == TrainingOptions())
    }
  }

  @Test(arguments: [("scroe", "score"), ("trian", "train"), ("callibrate", "calibrate"), ("inf", "info"), ("xyz", nil)])
  func aMistypedCommandIsGuessed(word: String, meant: String?) throws {
    let run = try ToolRun(word, "d.h5", "a.png", folder: TemporaryFolder())
    #expect(run.status == 64)
    #expect(
      run.errors
        == "cflowad: there is no command '\(word)'\(meant.map { "; did you mean '\($0)'?" } ?? "") (see cflowad --help)\n"
    )
  }

  /// By ArgumentParser's own account of the commands, so that no option is forgotten.
  @Test func everyArgumentIsExplained() throws {
    struct Name: Decodable { let kind, name: String }
    struct Argument: Decodable {
      let abstract: String?
      let names: [Name]?
      let valueName: String?
      let defaultValue: String?
      let allValues: [String]?
      let allValueDescriptions: [String: String]?
    }
    struct Command: Decodable {
      let commandName: String
      let arguments: [Argument]?
      let subcommands: [Command]?
    }
    struct Dump: Decodable { let command: Command }

    let run = try ToolRun("--experimental-dump-help", folder: TemporaryFolder())
    let root = try decodeJSON(Dump.self, run.output.utf8).command
    var options: [String: Set<String>] = [:]
    // ArgumentParser's own subcommand is not ours to explain.
    for command in [root] + (root.subcommands ?? []) where command.commandName != "help" {
      for argument in command.arguments ?? [] {
        #expect(argument.abstract?.isEmpty == false, "\(command.commandName) \(argument)")
        // A choice is shown by the words that it is made by.
        if let values = argument.allValues, let value = argument.defaultValue {
          #expect(values.contains(value), "\(command.commandName) \(argument)")
        }
        #expect(argument.allValueDescriptions?.isEmpty ?? true, "\(command.commandName) \(argument)")
        // What is a number says from where to where it goes.
        if Self.numbers.contains(argument.valueName ?? ""), argument.names != nil {
          let says = #/to \d|up to|0 or more|any number|at most|fewer than|above 0|of the frames that/#
          #expect(argument.abstract?.contains(says) == true, "\(command.commandName) \(argument)")
        }
        options[command.commandName, default: []].formUnion(argument.names?.map(\.name) ?? [])
      }
    }
    #expect(
      options["train"]?.isSuperset(of: [
        "o", "output", "calibrate-on", "input-size", "levels", "blocks", "condition", "permutation", "clamp",
        "clamp-alpha", "meta-epochs", "sub-epochs", "warmup-epochs", "schedule", "decay-rate", "decay-percents",
        "decoder", "window", "resample", "checkpoint", "batch", "fibers", "learning-rate", "rotation", "hold-back",
        "false-reject-rate", "review-rate", "pixel-rate", "threshold-rule",
        "miss-cost", "defective", "seed", "smoothing", "half-turns", "precision", "cache-memory", "threads",
      ]) == true)
    #expect(
      options["calibrate"]?.isSuperset(of: ["o", "output", "false-reject-rate", "review-rate", "defective", "threads"])
        == true)
    #expect(options["score"]?.isSuperset(of: ["class", "format", "maps", "overlay", "threads", "threshold"]) == true)
    #expect(options["info"]?.contains("json") == true)
    for command in ["evaluate", "reproduce"] { #expect(options[command]?.contains("threads") == true) }
    #expect(options["serve"]?.isSuperset(of: ["stdin", "frames", "port", "host", "output", "in-place"]) == true)
    #expect(options["bench"]?.isSuperset(of: ["threads", "frames", "frame-size", "json"]) == true)
  }

  /// The names of values that are numbers.
  private static let numbers: Set = [
    "count", "share", "cost", "degrees", "channels", "alpha", "factor", "percent", "frames", "fibers", "rate", "number",
    "GiB", "MiB", "pixels", "score", "value", "size",
  ]

  @Test func defaultsAreTheLibrarys() throws {
    let command = try TrainCommand.parse(["encoder.h5", "good", "-o", "detector.h5"])
    #expect(try command.training.options == TrainingOptions())
    #expect(
      try CalibrateCommand.parse(["a.h5", "b", "-o", "c.h5"]).thresholds.falseRejectRate
        == CalibrationOptions().falseRejectRate)
  }

  @Test func everyTrainingOptionHasItsEffect() throws {
    let command = try TrainCommand.parse([
      "encoder.h5", "good", "-o", "detector.h5", "--input-size", "128x96", "--window", "0.1", "0.75",
      "--resample", "pillow-13",
      "--levels", "2", "--blocks", "4",
      "--condition", "64", "--permutation", "hard", "--clamp", "scaled-tanh", "--clamp-alpha", "2.5", "--meta-epochs",
      "7", "--sub-epochs", "3", "--warmup-epochs", "5", "--schedule", "steps", "--decay-rate", "0.2",
      "--decay-percents", "40", "80", "--batch", "6", "--fibers", "99",
      "--learning-rate", "1e-3", "--rotation", "0", "--hold-back", "0.25", "--false-reject-rate", "0.05",
      "--review-rate", "0.1", "--pixel-rate", "0.02", "--threshold-rule", "cost", "--miss-cost", "3", "--defective",
      "bad",
      "--seed",
      "18446744073709551615", "--cache-memory", "0.5",
    ])
    var options = TrainingOptions()
    options.preprocessing = try Preprocessing(
      width: 128, height: 96, window: Window(low: 0.1, high: 0.75), resampling: .pillow13)
    options.levelCount = 2
    options.flow = try FlowDescription(
      blockCount: 4, conditionChannels: 64, permutation: .hard, clamp: .scaledTanh, clampAlpha: 2.5)
    options.metaEpochs = 7
    options.subEpochs = 3
    options.warmupEpochs = 5
    options.schedule = .steps
    options.decayRate = 0.2
    options.decayPercents = [40, 80]
    options.imageBatch = 6
    options.fiberBatch = 99
    options.learningRate = 1e-3
    options.rotationDegrees = 0
    options.calibrationFraction = 0.25
    options.calibration.falseRejectRate = 0.05
    options.calibration.reviewRate = 0.1
    options.calibration.pixelRate = 0.02
    options.calibration.rule = .lowestCost(miss: 3)
    options.seed = .max
    options.featureCacheBytes = 1 << 29
    #expect(try command.training.options == options)
  }

  @Test func theUnconditionalDecoderHasNoCondition() throws {
    let command = try TrainCommand.parse(["e.h5", "good", "-o", "d.h5", "--decoder", "freia-flow"])
    #expect(try command.training.options.flow.conditionChannels == 0)
  }

  @Test func fewMetaEpochsNeedNoWordAboutWarmUp() throws {
    let command = try TrainCommand.parse(["encoder.h5", "good", "-o", "detector.h5", "--meta-epochs", "1"])
    #expect(try command.training.options.warmupEpochs == 0)
  }

  @Test(arguments: [
    ["train", "e.h5", "good"], ["train", "e.h5", "-o", "d.h5"],
    ["train", "e.h5", "good", "-o", "d.h5", "--levels", "4"],
    ["train", "e.h5", "good", "-o", "d.h5", "--input-size", "256x"],
    ["train", "e.h5", "good", "-o", "d.h5", "--input-size", "256x256x3"],
    ["train", "e.h5", "good", "-o", "d.h5", "--input-size", "16"],
    ["train", "e.h5", "good", "-o", "d.h5", "--cache-memory", "nan"],
    ["train", "e.h5", "good", "-o", "d.h5", "--meta-epochs", "2", "--warmup-epochs", "2"],
    ["train", "e.h5", "good", "-o", "d.h5", "--start", "gaussian", "--meta-epochs", "3"],
    ["train", "e.h5", "good", "-o", "d.h5", "--steps", "9", "--meta-epochs", "3"],
    ["train", "e.h5", "good", "-o", "d.h5", "--start", "paper", "--gaussian-memory", "3"],
    ["calibrate", "d.h5", "good", "-o", "r.h5", "--false-reject-rate", "0.6"],
    ["calibrate", "d.h5", "good", "-o", "r.h5", "--review-rate", "0.001"],
    ["calibrate", "d.h5", "good", "-o", "r.h5", "--threshold-rule", "f1"],
    ["score", "d.h5", "frames", "--review-threshold", "nan"], ["score", "d.h5", "frames", "--roi", "0,0,9,9"],
    ["score", "d.h5", "frames", "--roi", "0,0,9", "--roi-size", "9x9"],
    ["score", "d.h5", "frames", "--roi-size", "0x9", "--roi", "0,0,9,9"],
    ["score", "d.h5", "frames", "--overlay"], ["score", "d.h5", "frames", "--threads", "-1"],
    ["score", "d.h5", "frames", "--threshold", "inf"], ["info"], ["draw"],
    ["serve", "d.h5"], ["serve", "d.h5", "frames", "--stdin"], ["serve", "d.h5", "frames", "--frames", "0"],
    ["serve", "d.h5", "frames", "--port", "65536"], ["serve", "d.h5", "frames", "--in-place", "-o", "o.h5"],
  ]) func mistakesAreUsageErrors(arguments: [String]) {
    #expect {
      _ = try Tool.parseAsRoot(arguments)
    } throws: {
      Tool.exitCode(for: $0) == .validationFailure
    }
  }

  @Test func anErrorIsOneLine() throws {
    let run = try ToolRun("score", "d.h5", "a.png", "--overlay", folder: TemporaryFolder())
    #expect(run.status == 64)
    #expect(run.output.isEmpty)
    #expect(run.errors == "cflowad: --overlay needs --maps (see cflowad score --help)\n")
  }

  @Test(arguments: ["train", "calibrate", "quantize", "score", "evaluate", "reproduce", "info", "bench", "serve"])
  func errorsNameTheHelpOfTheirCommand(command: String) throws {
    let run = try ToolRun(command, "--no-such-option", folder: TemporaryFolder())
    #expect(run.status == 64 && run.errors.hasSuffix("(see cflowad \(command) --help)\n"), "\(run.errors)")
    // What it names is there.
    #expect(try ToolRun(command, "--help", folder: TemporaryFolder()).status == 0)
  }

  @Test func errorsWithoutACommandNameTheWholeHelp() throws {
    let run = try ToolRun("--no-such-option", folder: TemporaryFolder())
    #expect(run.status == 64 && run.errors.hasSuffix("(see cflowad --help)\n"), "\(run.errors)")
  }
}
