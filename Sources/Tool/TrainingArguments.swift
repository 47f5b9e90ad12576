import ArgumentParser
import Basics
import Encoders
import Flows
import Imaging
import Training

/// The options of a training run, with the names they have on the command line.
struct TrainingArguments: ParsableArguments {
  private static let defaults = TrainingOptions()

  @Option(
    help: ArgumentHelp(
      "Network input in pixels, each side 32 to 2048: one number for a square, or 256x192 for "
        + "width and height.", valueName: "size"))
  var inputSize = InputSize(width: defaults.preprocessing.width, height: defaults.preprocessing.height)

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Samples of more than 8 bits that are black and white, as shares of their full scale, 0 to 1; kept in the detector. "
        + "(default: 0 1)",
      valueName: "low high"))
  var window: [Float] = []

  @Option(
    help: ArgumentHelp(
      "Whose bytes a frame becomes when it is resized to the network's size: Pillow's 3.3 to 12.1 (pillow-3.3), 12.2 and 12.3 "
        + "(pillow-12.2), or 13. It matters beside a training in PyTorch, and is kept in the detector.",
      valueName: "version"))
  var resample = Choice(defaults.preprocessing.resampling)

  @Option(
    help: ArgumentHelp(
      "For large frames: what the network sees at a time, in pixels of the frame: one number for a square, or "
        + "512x384 for width and height, each side 32 to 65535. (default: all of a frame)", valueName: "size"))
  var tileSize: InputSize?

  @Option(
    help: ArgumentHelp(
      "Pixels that neighbouring tiles share, at most half of a tile's shorter side. (default: a quarter)",
      valueName: "pixels"))
  var tileOverlap: Int?

  @Option(
    help: ArgumentHelp(
      "Where flows begin: at a Gaussian for each position, in closed form (gaussian); at the original's flows with weights "
        + "that whiten in closed form, to be exported to its checkpoints (whitened); or at random weights, to be trained by "
        + "the original's loops (paper). Automatic: gaussian, or paper when one of the options for it is given."))
  var start = Choice(defaults.start)

  @Option(
    help: ArgumentHelp(
      "Steps, for each level, that train coupling blocks behind a closed form, 0 to 1000000; 0 for none. (default: 400 "
        + "when whitened, else 0)",
      valueName: "count"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Time to fit in, from encoding on: 90 or 90s, 5min, 1.5h. Coupling steps are made until then, and the command says "
        + "how many, so that --steps repeats it exactly. Calibration comes after it.", valueName: "time"))
  var time: TimeArgument?

  @Option(
    help: ArgumentHelp(
      "What to train for, in place of --start, --steps and --time: a closed form alone, in seconds (quick); with coupling "
        + "steps for about five minutes (best); the published training (paper)."))
  var preset: PresetChoice?

  @Option(
    help: ArgumentHelp(
      "Memory in MiB for the positions' own covariances of a Gaussian, 0 to 1048576.", valueName: "MiB"))
  var gaussianMemory = defaults.gaussianBytes >> 20

  @Option(
    help: ArgumentHelp(
      "Whether a Gaussian is also fitted to the frames turned by 180 degrees: never, always, or automatic, when turned "
        + "frames look as good as others.", valueName: "when"))
  var halfTurns = Choice(defaults.halfTurns)

  @Option(
    help:
      "What the detector computes in: float32; or int8, which is faster and scores with the same bits on every processor."
  )
  var precision = Choice(defaults.precision)

  @OptionGroup var common: CommonTrainingArguments

  @Option(help: "The flows: with the position as condition (freia-cflow, the paper's), or without (freia-flow).")
  var decoder = Decoder.conditional

  @Option(
    help: ArgumentHelp(
      "Channels of the positional encoding, a multiple of 4 up to 1024; of no effect with freia-flow.",
      valueName: "channels"))
  var condition = defaults.flow.conditionChannels

  @Option(help: "How coupling blocks mix their channels: a random rotation (soft) or a permutation (hard).")
  var permutation = defaults.flow.permutation

  @Option(help: "Clamp of the log-scale s: alpha*tanh(s) (tanh), or alpha*tanh(s/alpha) (scaled-tanh).")
  var clamp = Choice(defaults.flow.clamp)

  @Option(help: ArgumentHelp("Alpha of the clamp, 0.1 to 10.", valueName: "alpha"))
  var clampAlpha = defaults.flow.clampAlpha

  @Option(
    help: ArgumentHelp(
      "Meta epochs in which the learning rate rises linearly, fewer than there are. (default: "
        + "\(defaults.warmupEpochs), or all but one)", valueName: "count"))
  var warmupEpochs: Int?

  @Option(
    help: """
      How the learning rate falls: not at all, along a cosine down to the decay rate's third power, or in steps of the \
      decay rate.
      """)
  var schedule = Choice(defaults.schedule)

  @Option(
    help: ArgumentHelp(
      "What a step of the schedule multiplies the learning rate by, above 0 up to 1.", valueName: "factor"))
  var decayRate = defaults.decayRate

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "When the schedule steps: up to three percentages of the meta epochs, 0 to 100. (default: 50 75 90)",
      valueName: "percent"))
  var decayPercents: [Int] = []

  @Option(help: ArgumentHelp("Frames, or tiles, per batch, 1 to 4096.", valueName: "frames"))
  var batch = defaults.imageBatch

  @Option(help: ArgumentHelp("Feature vectors per optimisation step, 1 to 65536.", valueName: "fibers"))
  var fibers = defaults.fiberBatch

  @Option(
    help: ArgumentHelp(
      "Learning rate of Adam, above 0 up to 1; the default means 0.003 for coupling steps behind a Gaussian, 0.01 when "
        + "whitened.",
      valueName: "rate"))
  var learningRate = defaults.learningRate

  @Option(
    help: ArgumentHelp(
      "Share of the frames held back from training to calibrate on, 0 to 0.9, at least one frame. "
        + "Of no effect with --calibrate-on.", valueName: "share"))
  var holdBack = defaults.calibrationFraction

  @OptionGroup var thresholds: ThresholdArguments

  @Option(
    help: ArgumentHelp(
      "Seed of all randomness, a whole number up to 2^64 - 1: the same frames, options and seed give the same detector.",
      valueName: "number"))
  var seed = defaults.seed

  @Option(
    help: ArgumentHelp(
      "Memory in GiB for the features of frames, which are computed again where there is no room, 0 to 4096. Frames that are "
        + "turned at random have new ones each time.", valueName: "GiB"))
  var cacheMemory = Double(defaults.featureCacheBytes) / Self.gibibyte

  private static let gibibyte = Double(1 << 30)

  var options: TrainingOptions {
    get throws(Failure) {
      var options = Self.defaults
      options.preprocessing = try preprocessing
      options.start = start.value
      options.couplingSteps = steps
      options.timeBudget = time?.seconds ?? 0
      options.preset = preset?.preset ?? .none
      guard (0...1 << 20).contains(gaussianMemory) else {
        throw Failure(.invalidArgument, "the memory of the Gaussian \(gaussianMemory) MiB is not within 0...1048576")
      }
      options.gaussianBytes = gaussianMemory << 20
      options.halfTurns = halfTurns.value
      options.precision = precision.value
      options.flow = try FlowDescription(
        conditionChannels: decoder == .conditional ? condition : 0, permutation: permutation, clamp: clamp.value,
        clampAlpha: clampAlpha)
      try common.set(&options)
      if let warmupEpochs { options.warmupEpochs = warmupEpochs }
      options.schedule = schedule.value
      options.decayRate = decayRate
      if !decayPercents.isEmpty { options.decayPercents = decayPercents }
      options.imageBatch = batch
      options.fiberBatch = fibers
      options.learningRate = learningRate
      options.calibrationFraction = holdBack
      thresholds.set(&options.calibration)
      options.seed = seed
      guard cacheMemory >= 0, cacheMemory <= 4096 else {
        throw Failure(.invalidArgument, "the feature cache \(cacheMemory) GiB is not within 0...4096")
      }
      options.featureCacheBytes = Int(cacheMemory * Self.gibibyte)
      try options.validate()
      return options
    }
  }

  private var preprocessing: Preprocessing {
    get throws(Failure) {
      guard window.isEmpty || window.count == 2 else {
        throw Failure(.invalidArgument, "--window takes two numbers, not \(window.count)")
      }
      guard tileSize != nil || tileOverlap == nil else {
        throw Failure(.invalidArgument, "--tile-overlap is of no effect without --tile-size")
      }
      return try Preprocessing(
        width: inputSize.width, height: inputSize.height,
        window: window.isEmpty ? .full : Window(low: window[0], high: window[1]),
        tiling: tileSize.map { (size) throws(Failure) in
          try Tiling(
            width: size.width, height: size.height, overlap: tileOverlap ?? min(size.width, size.height) / 4)
        }, resampling: resample.value)
    }
  }

  func validate() throws {
    do throws(Failure) { _ = try options } catch { throw ValidationError(error.message) }
  }
}

/// Width and height, written "256" or "256x192".
struct InputSize: ExpressibleByArgument, Equatable {
  var width: Int
  var height: Int

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count <= 2, let first = sides.first, let width = first, let last = sides.last, let height = last else {
      return nil
    }
    self.init(width: width, height: height)
  }

  var defaultValueDescription: String { String(width: width, height: height) }
}

extension FlowDescription.Permutation: ExpressibleByArgument {}
extension Resampling: Named {}
extension HalfTurns: Named {}
extension Precision: Named { var name: String { rawValue } }

extension TrainingOptions.Start: Named {
  var name: String { "\(self)" }
}

extension LearningRateSchedule.Kind: Named {
  var name: String { "\(self)" }
}

/// Clamps have names that need no quotes in a shell.
extension FlowDescription.Clamp: Named {
  var name: String {
    switch self {
    case .tanh: "tanh"
    case .scaledTanh: "scaled-tanh"
    }
  }
}

/// Presets by name.
enum PresetChoice: String, ExpressibleByArgument, CaseIterable {
  case quick, best, paper

  var preset: TrainingOptions.Preset {
    switch self {
    case .quick: .quick
    case .best: .best
    case .paper: .paper
    }
  }
}

/// A time above 0, written "90", "90s", "5min" or "1.5h".
struct TimeArgument: ExpressibleByArgument {
  let seconds: Float

  init?(argument: String) {
    let number = argument.prefix { $0.isNumber || $0 == "." }
    guard let unit = ["": 1, "s": 1, "min": 60, "m": 60, "h": 3600][String(argument.dropFirst(number.count))],
      let value = Float(number), value > 0
    else { return nil }
    seconds = value * Float(unit)
  }
}

/// The original's names of flows.
enum Decoder: String, ExpressibleByArgument, CaseIterable {
  case conditional = "freia-cflow"
  case unconditional = "freia-flow"
}
