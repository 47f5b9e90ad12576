import ArgumentParser
import Basics
import Execution
import ModelFile
import Training

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Set a detector's constants and thresholds anew from good frames.",
    discussion: """
      For a detector whose camera or lighting has changed a little, or whose threshold is to rest on more frames. The \
      flows stay as they are. The frames must be good ones that the detector was not trained on, at least 1/R - 1 of \
      them for a false reject rate R: for 1 % that is 99. Of new good frames of the same production that share is \
      rejected on average; with fewer frames it is more, and the command says how much. Examples of defective parts can choose the threshold instead, by the largest \
      F1 or the lowest cost.

      Examples:

        cflowad calibrate detector.h5 good-again/ -o recalibrated.h5 \\
          --false-reject-rate 0.005 --review-rate 0.05
        cflowad calibrate detector.h5 good-again/ -o detector.h5 \\
          --defective bad/ --threshold-rule cost --miss-cost 20
      """)

  @Argument(help: ArgumentHelp("Model file with a detector.", valueName: "detector.h5"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Images of good parts, folders of them, or a data set, of which the good test images are taken.",
      valueName: "good"))
  var frames: [String]

  @OptionGroup var output: OutputFile

  @OptionGroup var choice: ClassChoice

  @OptionGroup var threads: ThreadCount

  @OptionGroup(title: "Thresholds") var thresholds: ThresholdArguments

  @OptionGroup(title: "Region of interest") var interest: RegionOfInterestArguments

  func run() throws {
    Interrupt.listen()
    let frames = try FrameList.all(frames, of: .goodTest, className: choice.name)
    let defectiveFrames = try FrameList.all(thresholds.defective, of: .defectiveTest, className: choice.name)
    let contents = try ModelFile.read(path: model)
    guard contents.flow != nil else {
      throw Failure(.state, "\(model): it holds an encoder without flows: train it first")
    }
    try output.check(for: contents, inputs: frames + defectiveFrames + interest.files)
    var options = TrainingOptions()
    thresholds.set(&options.calibration)
    let trainer: Trainer
    let workers = try Workers(count: threads.count)
    do throws(Failure) { trainer = try Trainer(contents, options: options, workers: workers) } catch {
      throw error.within(model)
    }
    if let region = try interest.region(for: trainer.preprocessing) { trainer.regionOfInterest = region }

    let display = ProgressDisplay()
    defer { display.close() }
    try Interrupt.attempt(leaving: "no detector was written") { () throws(Failure) in
      try trainer.add([(frames, .calibration), (defectiveFrames, .defective)], display)
      try trainer.calibrate(display.handler)
    }
    try output.write(trainer.contents, trainer.advice, isHeldBack: false)
  }
}
