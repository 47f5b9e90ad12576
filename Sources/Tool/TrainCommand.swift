import ArgumentParser
import Basics
import Execution
import ModelFile
import Training
import TrainingFile

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a detector from good frames.",
    discussion: """
      Learns how good parts look, then sets the threshold from good frames that were not learnt from: some that are \
      held back, or those of --calibrate-on. Ctrl-C stops without writing a detector; with --checkpoint the same \
      command goes on later from the last pass over the frames that was kept. Images that cannot be read are all named \
      before the command fails; nothing is trained then.

      A new detector starts at a Gaussian for each position, which takes seconds. The published system's training, with \
      its defaults, is --start paper; an option of that training alone (--meta-epochs, --learning-rate, --blocks ...) \
      means it too, and the command says so.

      A file that already holds a detector is trained on from where it is; its input size, tiles, levels and \
      flows are kept.

      Examples:

        cflowad train encoder.h5 good/ -o detector.h5
        cflowad train encoder.h5 good/ -o paper.h5 --start paper --meta-epochs 5
        cflowad train encoder.h5 mvtec/ --class bottle -o bottle.h5 --input-size 512
        cflowad train encoder.h5 web/ -o web.h5 --tile-size 512 --tile-overlap 64
      """)

  @Argument(
    help: ArgumentHelp("Model file with an encoder, or with a detector to go on from.", valueName: "encoder.h5"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Images of good parts, folders of them, or a data set, of which the training images are taken.", valueName: "good"
    ))
  var frames: [String]

  @OptionGroup var output: OutputFile

  @Option(
    help: ArgumentHelp(
      "Images of good parts that are only calibrated on, or folders of them; may be repeated.",
      valueName: "folder"))
  var calibrateOn: [String] = []

  @OptionGroup var choice: ClassChoice

  @OptionGroup(title: "Region of interest") var interest: RegionOfInterestArguments

  @Option(
    help: ArgumentHelp(
      "Keep the state of the training in this file, go on from it when it is there, and delete it in the end.",
      valueName: "file"))
  var checkpoint: String?

  @OptionGroup var threads: ThreadCount

  @OptionGroup(title: "Training options") var training: TrainingArguments

  func run() throws {
    Interrupt.listen()
    let options = try training.options
    let frames = try FrameList.all(frames, of: .training, className: choice.name)
    let calibrationFrames = try FrameList.all(calibrateOn, of: .goodTest, className: choice.name)
    let defectiveFrames = try FrameList.all(training.thresholds.defective, of: .defectiveTest, className: choice.name)
    let contents = try ModelFile.read(path: model)
    try output.check(
      for: contents, precision: options.precision,
      inputs: frames + calibrationFrames + defectiveFrames + interest.files,
      others: checkpoint.map { [$0] } ?? [])
    let trainer: Trainer
    let workers = try Workers(count: threads.count)
    do throws(Failure) { trainer = try Trainer(contents, options: options, workers: workers) } catch {
      throw error.within(model)
    }

    let preprocessing = trainer.preprocessing
    Output.note(
      "\(contents.encoder.architecture) at \(String(pixels: preprocessing.width, preprocessing.height)), "
        + (preprocessing.tiling.map { "tiles of \(String(pixels: $0.width, $0.height)) of the frame, " } ?? "")
        + "\(String(trainer.options.levelCount, of: "level")), "
        + Self.flows(trainer.options)
        + (contents.flow == nil
          ? ""
          : ", as in \(model), " + (trainer.options.start == .gaussian ? "fitted anew" : "from where its flows are")))
    Output.note(
      "\(String(frames.count, of: "frame")), "
        + (calibrationFrames.isEmpty ? "some held back" : "\(calibrationFrames.count) more")
        + " to calibrate on, "
        + (trainer.options.start == .paper
          ? "\(String(options.metaEpochs, of: "meta epoch")) of \(String(options.subEpochs, of: "sub-epoch")), " : "")
        + "seed \(options.seed)")
    if contents.flow == nil, let reason = Self.reason(for: trainer.options.start, options) { Output.note(reason) }
    if let region = try interest.region(for: trainer.preprocessing) { trainer.regionOfInterest = region }
    let file = checkpoint.map { TrainingFile(path: $0) }
    trainer.checkpoint = file

    let display = ProgressDisplay()
    display.countsSteps = trainer.options.start != .paper
    defer { display.close() }
    try Interrupt.attempt(leaving: Self.remains(of: file)) { () throws(Failure) in
      try trainer.add(
        [(frames, .training), (calibrationFrames, .calibration), (defectiveFrames, .defective)], display)
      try trainer.fit(display.handler)
      if let plan = Self.plan(trainer) { display.note(plan) }
      try trainer.calibrate(display.handler)
    }
    try output.write(trainer.contents, trainer.advice, isHeldBack: calibrationFrames.isEmpty)
    file?.remove()
  }

  /// Why flows do not start at the default, although no option named a start, and what would change that; nil for the default.
  private static func reason(for start: TrainingOptions.Start, _ options: TrainingOptions) -> String? {
    let paperOptions = options.setPaperOptions
    guard start == .paper, options.start == .automatic, !paperOptions.isEmpty else { return nil }
    return "the paper's training, from random weights on, since it alone reads \(paperOptions.names); without "
      + "\(paperOptions.count == 1 ? "this option" : "these options") a Gaussian is fitted, in seconds"
  }

  private static func flows(_ options: TrainingOptions) -> String {
    switch options.start {
    case .gaussian: "a Gaussian for each position"
    case .whitened: "\(String(options.flow.blockCount, of: "coupling block")) that whiten"
    case .paper, .automatic: String(options.flow.blockCount, of: "coupling block")
    }
  }

  /// How many steps a time budget came to, and how to repeat the fit.
  private static func plan(_ trainer: Trainer) -> String? {
    guard trainer.options.timeBudget > 0 else { return nil }
    let steps = trainer.couplingSteps
    return steps == 0
      ? "no time was left for coupling steps: the closed form alone, as by --steps 0"
      : "there was time for \(String(steps, of: "coupling step")) a level: --steps \(steps) in place of --time repeats this "
        + "exactly"
  }

  /// What a cancelled training leaves, in words.
  private static func remains(of checkpoint: TrainingFile?) -> String {
    guard let checkpoint, FileIdentity(checkpoint.path) != nil else { return "no detector was written" }
    return "no detector was written; the same command goes on from the passes kept in \(checkpoint.path)"
  }
}
