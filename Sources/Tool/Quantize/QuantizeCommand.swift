import ArgumentParser
import Basics
import DataSets
import Execution
import ModelFile
import Scoring
import Training

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Make a detector one of 8 bits.",
    discussion: """
      For a detector in float32, from PyTorch or trained before. Good frames say what the encoder's bytes stand for; the \
      flows stay as they are, or are trained further on request; thresholds are set anew by good frames that took no part \
      in either: those of --calibrate-on, or some that are held back. The result is faster, its file smaller, and its \
      scores have the same bits on every processor.

      Then the command prints what changed. It calibrates the detector in float32 by the same frames, so that 8 bits alone \
      make the difference, and compares how the two judge the frames held back; these set both thresholds, which --test \
      images did not: give a data set of good and perhaps defective ones, in a layout that evaluate reads.

      A detector whose flows start at a Gaussian can also be fitted anew: cflowad train detector.h5 good/ --precision int8.

      Examples:

        cflowad quantize detector.h5 --frames good/ -o small.h5
        cflowad quantize bottle.h5 --frames bottle/ --test bottle/ -o small.h5
        cflowad quantize from-pytorch.h5 --frames new-good/ -o small.h5 --fine-tune 4
      """)

  @Argument(help: ArgumentHelp("Model file with a detector in float32.", valueName: "detector.h5"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Images of good parts, a folder of them, or a data set, of which the training images are taken; may be repeated.",
      valueName: "good"))
  var frames: [String]

  @OptionGroup var output: OutputFile

  @Option(
    help: ArgumentHelp(
      "Passes over the frames that train the flows further, by the paper's loops, 0 to 10000.", valueName: "passes"))
  var fineTune = 0

  @Option(
    help: ArgumentHelp(
      "Images of good parts that are only calibrated on, or folders of them; may be repeated.", valueName: "folder"))
  var calibrateOn: [String] = []

  @Option(
    help: ArgumentHelp("Data set whose test images the two detectors are compared on.", valueName: "path"))
  var test: String?

  @OptionGroup var choice: ClassChoice

  @Option(
    help: ArgumentHelp(
      "Share of the frames held back to calibrate on, 0 to 0.9, at least one frame; without --fine-tune at least all but "
        + "the 32 that are needed. Of no effect with --calibrate-on.", valueName: "share"))
  var holdBack = TrainingOptions().calibrationFraction

  @Option(help: ArgumentHelp("Seed of all randomness, a whole number up to 2^64 - 1.", valueName: "number"))
  var seed = TrainingOptions().seed

  @Flag(help: "Print what changed as one JSON object instead of text.")
  var json = false

  @OptionGroup var threads: ThreadCount

  @OptionGroup(title: "Thresholds") var thresholds: ThresholdArguments

  private var options: TrainingOptions {
    get throws(Failure) {
      var options = TrainingOptions()
      options.calibrationFraction = holdBack
      options.seed = seed
      thresholds.set(&options.calibration)
      try options.validate()
      return options
    }
  }

  func validate() throws {
    do throws(Failure) {
      _ = try options
      try checkRange("the number of passes", fineTune, within: 0...10_000)
    } catch { throw ValidationError(error.message) }
  }

  func run() throws {
    Interrupt.listen()
    let goodFrames = try FrameList.all(frames, of: .training, className: choice.name)
    let calibrationFrames = try FrameList.all(calibrateOn, of: .goodTest, className: choice.name)
    let defectiveFrames = try FrameList.all(thresholds.defective, of: .defectiveTest, className: choice.name)
    let used = goodFrames + calibrationFrames + defectiveFrames
    let testSamples = try test.map { (path) throws(Failure) in try samples(of: path, apartFrom: used) }
    let contents = try ModelFile.read(path: model)
    guard contents.flow != nil else {
      throw Failure(.state, "\(model): it holds an encoder without flows: train it first, with --precision int8")
    }
    try output.check(for: contents, precision: .int8, inputs: used + (testSamples ?? []).map(\.image))
    let workers = try Workers(count: threads.count)
    let trainer: Trainer
    do throws(Failure) { trainer = try Trainer(contents, options: options, workers: workers) } catch {
      throw error.within(model)
    }
    if contents.trainedFrames.isEmpty, calibrationFrames.isEmpty {
      Output.note(
        "\(model): it does not say which frames it was trained on; if these are among them, thresholds will be too low: give "
          + "others by --calibrate-on")
    }
    let display = ProgressDisplay()
    defer { display.close() }
    try Interrupt.attempt(leaving: "no detector was written") { () throws(Failure) in
      try trainer.add(
        [(goodFrames, .training), (calibrationFrames, .calibration), (defectiveFrames, .defective)], display)
      try trainer.quantize(passes: fineTune, display.handler)
      try trainer.calibrate(display.handler)
    }
    guard let report = trainer.quantization else { return }
    var summary = try QuantizationSummary(report)
    if let testSamples { summary.test = try compare(trainer, testSamples, display) }
    try output.write(trainer.contents, trainer.advice, isHeldBack: calibrationFrames.isEmpty)
    if json { return try Output.line(cflowad.json(summary, isIndented: true)) }
    for line in summary.lines { try Output.line(line) }
  }

  /// The test images of a data set. Fails when one of them has another part too, since it says nothing then.
  private func samples(of path: String, apartFrom used: [String]) throws(Failure) -> [Sample] {
    let set = try DataSet(path, part: .test, className: choice.name, report: { Output.note($0) })
    guard set.classes.count == 1, let imageClass = set.classes.first else {
      throw Failure(
        .invalidArgument, "\(path): choose one by --class: \(set.classes.map(\.name).joined(separator: ", "))")
    }
    guard !imageClass.samples.isEmpty else { throw Failure(.io, "\(path): there are no test images") }
    let known = Set(used.compactMap { FileIdentity($0) })
    if let sample = imageClass.samples.first(where: { FileIdentity($0.image).map(known.contains) ?? false }) {
      throw Failure(
        .invalidArgument,
        "\(sample.image): it is a test image and also one to make the detector with, which would tell nothing about new ones"
      )
    }
    return imageClass.samples
  }

  /// Both detectors on the test images, one after the other.
  private func compare(
    _ trainer: Trainer, _ samples: [Sample], _ display: ProgressDisplay
  ) throws(Failure) -> QuantizationSummary.Comparison? {
    guard let float32 = try trainer.float32Detector else { return nil }
    let images = try TestImages(samples, trainer.preprocessing, display) { (failure) throws(Failure) in throw failure }
    func evaluated(_ detector: Detector) throws(Failure) -> ClassEvaluation {
      try ClassEvaluation(
        name: "", model: model, ScoredImages(detector, images, threadCount: threads.count, display))
    }
    return try QuantizationSummary.Comparison(evaluated(float32), evaluated(trainer.detector))
  }
}
