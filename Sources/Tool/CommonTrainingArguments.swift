import ArgumentParser
import Basics
import Flows
import Training

/// The options of all commands that train.
struct CommonTrainingArguments: ParsableArguments {
  private static let defaults = TrainingOptions()

  @Option(help: ArgumentHelp("Feature levels, the coarsest are kept, 1 to 3.", valueName: "count"))
  var levels = defaults.levelCount

  @Option(help: ArgumentHelp("Coupling blocks of each flow, 1 to 64.", valueName: "count"))
  var blocks = defaults.flow.blockCount

  @Option(
    help: ArgumentHelp("Meta epochs, 1 to 10000; the learning rate falls from one to the next.", valueName: "count"))
  var metaEpochs = defaults.metaEpochs

  @Option(help: ArgumentHelp("Passes over the frames in each meta epoch, 1 to 10000.", valueName: "count"))
  var subEpochs = defaults.subEpochs

  @Option(
    help: ArgumentHelp(
      "Largest angle in degrees by which frames are turned at random, 0 to 180. With 0 the encoder "
        + "runs only once per frame, which is much faster.", valueName: "degrees"))
  var rotation = defaults.rotationDegrees

  func set(_ options: inout TrainingOptions) throws(Failure) {
    options.levelCount = levels
    options.flow = try options.flow.with(blockCount: blocks)
    options.metaEpochs = metaEpochs
    options.subEpochs = subEpochs
    // A warm-up is shorter than the training.
    options.warmupEpochs = max(min(options.warmupEpochs, metaEpochs - 1), 0)
    options.rotationDegrees = rotation
  }
}
