import Basics
import CFlowADHeader
import Flows
import Imaging
import Scoring
import Training

extension cflowad_train_options {
  init(_ options: TrainingOptions) {
    self.init()
    input_width = UInt32(options.preprocessing.width)
    input_height = UInt32(options.preprocessing.height)
    level_count = UInt32(options.levelCount)
    coupling_blocks = UInt32(options.flow.blockCount)
    condition_channels = UInt32(options.flow.conditionChannels)
    permutation = Int32(options.flow.permutation == .soft ? CFLOWAD_PERMUTATION_SOFT : CFLOWAD_PERMUTATION_HARD)
    clamp = Int32(options.flow.clamp == .tanh ? CFLOWAD_CLAMP_TANH : CFLOWAD_CLAMP_TANH_SCALED)
    clamp_alpha = options.flow.clampAlpha
    meta_epochs = UInt32(options.metaEpochs)
    sub_epochs = UInt32(options.subEpochs)
    warmup_epochs = UInt32(options.warmupEpochs)
    schedule = options.schedule.rawValue
    image_batch = UInt32(options.imageBatch)
    fiber_batch = UInt32(options.fiberBatch)
    learning_rate = options.learningRate
    rotation_degrees = options.rotationDegrees
    calibration_fraction = options.calibrationFraction
    false_reject_rate = options.calibration.falseRejectRate
    seed = options.seed
    feature_cache_bytes = UInt64(options.featureCacheBytes)
    window_low = options.preprocessing.window.low
    window_high = options.preprocessing.window.high
    resample = options.preprocessing.resampling.rawValue
    tile_width = UInt32(options.preprocessing.tiling?.width ?? 0)
    tile_height = UInt32(options.preprocessing.tiling?.height ?? 0)
    tile_overlap = UInt32(options.preprocessing.tiling?.overlap ?? 0)
    decay_rate = options.decayRate
    withUnsafeMutableBytes(of: &decay_percents) { bytes in
      let percents = bytes.bindMemory(to: UInt32.self)
      for (step, percent) in zip(percents.indices, options.decayPercents) { percents[step] = UInt32(percent) }
    }
    start = options.start.rawValue
    coupling_steps = options.couplingSteps.map { UInt32($0) } ?? Self.automaticSteps
    gaussian_bytes = UInt64(options.gaussianBytes)
    time_budget = options.timeBudget
    preset = options.preset.rawValue
    review_rate = options.calibration.reviewRate
    low_rate = options.calibration.lowRate
    low_verdict = options.calibration.lowVerdict.rawValue
    pixel_rate = options.calibration.pixelRate
    half_turns = options.halfTurns.rawValue
    precision = options.precision.number
    map_smoothing = options.calibration.smoothing.map { Float($0) } ?? -1
    miss_cost = 10
    switch options.calibration.rule {
    case .conformal: threshold_rule = Int32(CFLOWAD_THRESHOLD_CONFORMAL)
    case .bestF1: threshold_rule = Int32(CFLOWAD_THRESHOLD_F1)
    case .lowestCost(let miss):
      threshold_rule = Int32(CFLOWAD_THRESHOLD_COST)
      miss_cost = Float(miss)
    }
  }

  /// `CFLOWAD_COUPLING_STEPS_AUTOMATIC`.
  static var automaticSteps: UInt32 { .max }
}

extension TrainingOptions {
  /// Fails with `.invalidArgument` for an unknown constant, and for what the values refuse; ``validate()`` checks the rest.
  init(_ options: cflowad_train_options) throws(Failure) {
    self.init()
    levelCount = Int(options.level_count)
    let permutation: FlowDescription.Permutation =
      switch Int(options.permutation) {
      case CFLOWAD_PERMUTATION_SOFT: .soft
      case CFLOWAD_PERMUTATION_HARD: .hard
      default: throw Failure(.invalidArgument, "\(options.permutation) is not a CFLOWAD_PERMUTATION_ constant")
      }
    let clamp: FlowDescription.Clamp =
      switch Int(options.clamp) {
      case CFLOWAD_CLAMP_TANH: .tanh
      case CFLOWAD_CLAMP_TANH_SCALED: .scaledTanh
      default: throw Failure(.invalidArgument, "\(options.clamp) is not a CFLOWAD_CLAMP_ constant")
      }
    flow = try FlowDescription(
      blockCount: Int(options.coupling_blocks), conditionChannels: Int(options.condition_channels),
      permutation: permutation, clamp: clamp, clampAlpha: options.clamp_alpha)
    metaEpochs = Int(options.meta_epochs)
    subEpochs = Int(options.sub_epochs)
    // Fewer meta epochs than the default's warm-up must be a valid choice without further options.
    warmupEpochs = max(min(Int(options.warmup_epochs), metaEpochs - 1), 0)
    schedule = try checkedConstant(options.schedule, "SCHEDULE")
    imageBatch = Int(options.image_batch)
    fiberBatch = Int(options.fiber_batch)
    learningRate = options.learning_rate
    rotationDegrees = options.rotation_degrees
    calibrationFraction = options.calibration_fraction
    calibration.falseRejectRate = options.false_reject_rate
    seed = options.seed
    featureCacheBytes = Int(clamping: options.feature_cache_bytes)
    guard options.reserved == 0 else { throw Failure(.invalidArgument, "the options' reserved field is not 0") }
    preprocessing = try Preprocessing(
      width: Int(options.input_width), height: Int(options.input_height),
      window: Window(low: options.window_low, high: options.window_high),
      tiling: Tiling(options.tile_width, options.tile_height, overlap: options.tile_overlap),
      resampling: checkedConstant(options.resample, "RESAMPLE"))
    start = try checkedConstant(options.start, "START")
    couplingSteps =
      options.coupling_steps == cflowad_train_options.automaticSteps ? nil : Int(options.coupling_steps)
    timeBudget = options.time_budget
    preset = try checkedConstant(options.preset, "PRESET")
    gaussianBytes = Int(clamping: options.gaussian_bytes)
    halfTurns = try checkedConstant(options.half_turns, "HALF_TURNS")
    guard let precision = Precision.allCases.first(where: { $0.number == options.precision }) else {
      throw Failure(.invalidArgument, "\(options.precision) is not a CFLOWAD_PRECISION_ constant")
    }
    self.precision = precision
    calibration.smoothing = options.map_smoothing < 0 ? nil : Double(options.map_smoothing)
    decayRate = options.decay_rate
    decayPercents = withUnsafeBytes(of: options.decay_percents) { $0.bindMemory(to: UInt32.self).map { Int($0) } }
    calibration.reviewRate = options.review_rate
    calibration.lowRate = options.low_rate
    calibration.lowVerdict = try checkedConstant(options.low_verdict, "VERDICT")
    calibration.pixelRate = options.pixel_rate
    switch Int(options.threshold_rule) {
    case CFLOWAD_THRESHOLD_CONFORMAL: calibration.rule = .conformal
    case CFLOWAD_THRESHOLD_F1: calibration.rule = .bestF1
    case CFLOWAD_THRESHOLD_COST: calibration.rule = .lowestCost(miss: Double(options.miss_cost))
    default: throw Failure(.invalidArgument, "\(options.threshold_rule) is not a CFLOWAD_THRESHOLD_ constant")
    }
  }
}

extension Precision {
  /// The header's constant.
  var number: Int32 {
    switch self {
    case .float32: Int32(CFLOWAD_PRECISION_FLOAT32)
    case .int8: Int32(CFLOWAD_PRECISION_INT8)
    }
  }
}

extension Tiling {
  /// The tiles that the header's structs describe; nil when all fields are 0.
  init?(_ width: UInt32, _ height: UInt32, overlap: UInt32) throws(Failure) {
    if width == 0, height == 0, overlap == 0 { return nil }
    try self.init(width: Int(width), height: Int(height), overlap: Int(overlap))
  }
}
