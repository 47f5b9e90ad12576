import ArgumentParser
import Basics
import ImageFiles
import Imaging
import ModelFile
import Scoring
import Training

struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Train and measure as in the paper's table, class by class, with its numbers beside ours.",
    discussion: """
      Runs the lines of the original's README: each class of MVTec AD at its input size, trained on all of its good \
      images, measured after every meta epoch on its test images by the paper's protocol. The table has the numbers of \
      the last epoch, and of the best one. The published ones are those of the best epoch on the test set, for each \
      measure; choosing so flatters, the last epoch is what a user gets. With several seeds it has mean and deviation.

      Every class and seed has a file of results in the folder; what is finished is not done again, and what was stopped \
      or killed goes on from its last pass. The published numbers are those of wide_resnet50_2 with reflect padding.

      Examples:

        cflowad reproduce --data mvtec --encoder wide_resnet50_2.h5 --results runs
        cflowad reproduce --data mvtec --encoder wide_resnet50_2.h5 --results runs \\
          --class bottle cable --seeds 0 1 2
      """)

  enum Choice: String, ExpressibleByArgument, CaseIterable { case mvtec }

  @Option(help: "Data set whose table is reproduced.")
  var dataset = Choice.mvtec

  @Option(help: ArgumentHelp("Folder of the data set, with a folder for each class.", valueName: "folder"))
  var data: String

  @Option(help: ArgumentHelp("Model file with an encoder.", valueName: "encoder.h5"))
  var encoder: String

  @Option(help: ArgumentHelp("Folder for results; it is made when there is none.", valueName: "folder"))
  var results: String

  @Option(
    name: .customLong("class"), parsing: .upToNextOption,
    help: ArgumentHelp("Only these classes. (default: all)", valueName: "name"))
  var classes: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Seeds, each a training of its own, whole numbers up to 2^64 - 1.", valueName: "number"))
  var seeds: [UInt64] = [0]

  @Option(
    help: ArgumentHelp(
      "Network input in pixels, each side 32 to 2048: one number for a square, or 256x192 for width and "
        + "height. (default: the README's of each class)", valueName: "size"))
  var inputSize: InputSize?

  @OptionGroup var training: CommonTrainingArguments

  @OptionGroup var threads: ThreadCount

  func validate() throws {
    let known = PublishedLine.mvtec.map(\.name)
    if let unknown = classes.first(where: { !known.contains($0) }) {
      throw ValidationError("\(unknown) is no class of the table; it has \(known.joined(separator: ", "))")
    }
    guard !seeds.isEmpty, Set(seeds).count == seeds.count else { throw ValidationError("the seeds are not distinct") }
    do throws(Failure) { try options(PublishedLine.mvtec[0], seed: 0).validate() } catch {
      throw ValidationError(error.message)
    }
  }

  func run() throws {
    Interrupt.listen()
    let contents = try ModelFile.read(path: encoder)
    guard contents.flow == nil else { throw Failure(.state, "\(encoder): it holds a detector, not an encoder alone") }
    try Folder(results).make()
    if contents.encoder.architecture != PublishedLine.architecture {
      Output.note("the published numbers are \(PublishedLine.architecture)'s, not \(contents.encoder.architecture)'s")
    }
    let display = ProgressDisplay()
    defer { display.close() }
    var rows: [ReproductionTable.Row] = []
    for line in PublishedLine.mvtec where classes.isEmpty || classes.contains(line.name) {
      var records: [RunRecord] = []
      for seed in seeds {
        let run = ReproductionRun(
          name: line.name, encoder: contents, options: try options(line, seed: seed), threadCount: threads.count,
          folder: results)
        do throws(Failure) {
          records.append(try run.run(data, display: display))
        } catch {
          guard error.kind == .cancelled else { throw error }
          throw Failure(.cancelled, "cancelled; the same command goes on from here")
        }
      }
      rows.append(ReproductionTable.Row(line: line, records: records))
    }
    for line in ReproductionTable(rows: rows).text { try Output.line(line) }
    Output.note("* of the epochs the best on the test set itself, for each measure, as published")
  }

  private func options(_ line: PublishedLine, seed: UInt64) throws(Failure) -> TrainingOptions {
    var options = TrainingOptions()
    options.preprocessing = try Preprocessing(
      width: inputSize?.width ?? line.inputSize, height: inputSize?.height ?? line.inputSize)
    try training.set(&options)
    options.start = .paper
    options.seed = seed
    return options
  }
}
