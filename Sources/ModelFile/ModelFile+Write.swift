import Basics
import Encoders
import Flows
import HDF5
import Imaging
import Scoring

extension ModelFile {
  /// Fails for contents that could not be read back.
  static func check(_ contents: DetectorContents) throws(Failure) {
    let levelCount = contents.encoder.taps.count
    guard (1...maximumLevelCount).contains(levelCount),
      contents.flowWeights.count == (contents.flow == nil ? 0 : levelCount)
    else {
      throw Failure(.invalidArgument, "\(levelCount) taps and \(contents.flowWeights.count) flows are not a detector")
    }
    if let calibration = contents.calibration {
      guard contents.flow != nil, calibration.levelMaxima.count == levelCount else {
        throw Failure(.invalidArgument, "the calibration is not that of the flows")
      }
    }
  }

  /// - Parameter weightsDigest: the digest of all weights. With a linked encoder it covers the tensors in the encoder's file,
  ///   because those are what a reader will load.
  static func fill(
    _ root: GroupWriter, _ contents: DetectorContents, _ link: EncoderLink?, weightsDigest: String
  ) throws(Failure) {
    try root.set("format", formatName)
    try root.set("format_version", formatVersion(of: contents))
    try root.set(weightsDigestName, weightsDigest)
    try fill(root.group("preprocessing"), contents.preprocessing)
    if let tiling = contents.preprocessing.tiling { try fill(root.group("tiling"), tiling) }
    try fill(root.group("encoder"), contents.encoder, contents.encoderWeights, link)
    if let flow = contents.flow { try fill(root.group("flow"), flow, contents.flowWeights) }
    if let calibration = contents.calibration { try fill(root.group("calibration"), calibration) }
    if !contents.trainedFrames.isEmpty || contents.fit != nil {
      let training = try root.group("training")
      if !contents.trainedFrames.isEmpty { try fill(training, trainedFrames: contents.trainedFrames) }
      if let fit = contents.fit { try fill(training, fit) }
    }
    if let selfTest = contents.selfTest { try fill(root.group(selfTestName), selfTest) }
    if contents.provenance.isEmpty { return }
    let provenance = try root.group("provenance")
    for (name, text) in contents.provenance.sorted(by: { $0.key < $1.key }) { try provenance.set(name, text) }
  }

  private static func fill(_ group: GroupWriter, _ preprocessing: Preprocessing) throws(Failure) {
    try group.set("width", preprocessing.width)
    try group.set("height", preprocessing.height)
    try group.set("mean", preprocessing.mean)
    try group.set("standard_deviation", preprocessing.standardDeviation)
    try group.set("resample", resamplingName(preprocessing.resampling))
    if preprocessing.window == .full { return }
    try group.set("window_low", preprocessing.window.low)
    try group.set("window_high", preprocessing.window.high)
  }

  private static func fill(_ group: GroupWriter, _ tiling: Tiling) throws(Failure) {
    try group.set("tile_width", tiling.width)
    try group.set("tile_height", tiling.height)
    try group.set("tile_overlap", tiling.overlap)
    try group.set("positional_encoding", tilePositionalEncoding)
  }

  private static func fill(
    _ group: GroupWriter, _ encoder: EncoderDescription, _ weights: StateDictionary, _ link: EncoderLink?
  ) throws(Failure) {
    try group.set("architecture", encoder.architecture)
    try group.set("padding", encoder.padding.rawValue)
    try group.set("taps", encoder.taps)
    if encoder.precision != .float32 { try group.set("precision", encoder.precision.rawValue) }
    if let link { return try link.fill(group) }
    for key in weights.keys {
      if encoder.precision == .int8 { try fillIntegers(group, key, weights) } else { try fill(group, key, weights) }
    }
  }

  private static func fill(
    _ group: GroupWriter, _ flow: FlowDescription, _ weights: [StateDictionary]
  ) throws(Failure) {
    // The start is left out where version 3 is not needed, so that older libraries can read the file.
    if flow.start != .none { try group.set("start", flow.start.rawValue) }
    try group.set("blocks", flow.blockCount)
    try group.set("condition_channels", flow.conditionChannels)
    try group.set("permutation", flow.permutation.rawValue)
    try group.set("clamp", flow.clamp.rawValue)
    try group.set("clamp_alpha", flow.clampAlpha)
    for (level, weights) in weights.enumerated() {
      let levelGroup = try group.group(String(level))
      for key in weights.keys where !key.hasSuffix("w_perm_inv") { try fill(levelGroup, key, weights) }
    }
  }

  /// Stores a tensor of integers in the smallest type that holds them, and any other as float32.
  private static func fillIntegers(
    _ group: GroupWriter, _ key: String, _ weights: StateDictionary
  ) throws(Failure) {
    guard let tensor = weights[key] else { return }
    guard tensor.format == .float32 else { return try fill(group, key, weights) }
    let values = try tensor.values
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    guard values.allSatisfy({ $0 == $0.rounded() }), low >= -32_768, high <= 32_767 else {
      return try fill(group, key, weights)
    }
    if low >= 0, high <= 255 {
      try group.write(key, shape: tensor.shape, values, as: UInt8.self)
    } else if low >= -128, high <= 127 {
      try group.write(key, shape: tensor.shape, values, as: Int8.self)
    } else {
      try group.write(key, shape: tensor.shape, values, as: Int16.self)
    }
  }

  /// Stores integers as they are kept, the indices of a hard permutation as integers of 64 bits, and everything else as float32.
  private static func fill(_ group: GroupWriter, _ key: String, _ weights: StateDictionary) throws(Failure) {
    guard let tensor = weights[key] else { return }
    let values = try tensor.values
    if key.hasSuffix("w_perm"), tensor.shape.count == 1 {
      guard values.allSatisfy({ Int64(exactly: $0) != nil }) else {
        throw Failure(.invalidArgument, "\(key): an index is not an integer")
      }
      return try group.write(key, shape: tensor.shape, values, as: Int64.self)
    }
    switch tensor.format {
    case .float32: try group.write(key, shape: tensor.shape, values, as: Float.self)
    case .int8: try group.write(key, shape: tensor.shape, values, as: Int8.self)
    case .uint8: try group.write(key, shape: tensor.shape, values, as: UInt8.self)
    case .int16: try group.write(key, shape: tensor.shape, values, as: Int16.self)
    }
  }

  private static func fill(_ group: GroupWriter, _ selfTest: SelfTest) throws(Failure) {
    try group.set("frame", SelfTest.frameName)
    if let score = selfTest.score { try group.set("score", score) }
    for (level, values) in selfTest.levels.enumerated() {
      try group.write(String(level), shape: [values.count], values, as: Float.self)
    }
  }

  private static func fill(_ group: GroupWriter, trainedFrames: Set<UInt64>) throws(Failure) {
    let fingerprints = trainedFrames.sorted().map { Int64(bitPattern: $0) }
    try group.write("frames", shape: [fingerprints.count], fingerprints, as: Int64.self)
  }

  private static func fill(_ group: GroupWriter, _ fit: FitSummary) throws(Failure) {
    try group.set("given_count", fit.givenCount)
    try group.set("fitted_count", fit.fittedCount)
    if !fit.couplingGains.isEmpty { try group.set("coupling_gains", fit.couplingGains) }
    guard let curve = fit.curve else { return }
    try group.set("curve_counts", [Double(curve.halfCount), Double(curve.fullCount)])
    try group.set("curve_half", curve.half)
    try group.set("curve_full", curve.full)
  }

  private static func fill(_ group: GroupWriter, _ calibration: Calibration) throws(Failure) {
    try group.set("total", calibration.total)
    try group.set("threshold", calibration.threshold)
    let maxima = calibration.levelMaxima
    try group.write("level_maxima", shape: [maxima.count], maxima, as: Double.self)
    try group.write("scores", shape: [calibration.scores.count], calibration.scores, as: Float.self)
    let defectiveScores = calibration.defectiveScores
    if !defectiveScores.isEmpty {
      try group.write("defective_scores", shape: [defectiveScores.count], defectiveScores, as: Float.self)
    }
    if let region = calibration.regionOfInterest {
      try group.write(
        "region_of_interest", shape: [region.height, region.width], region.mask, as: UInt8.self)
    }
    if let reviewThreshold = calibration.reviewThreshold { try group.set("review_threshold", reviewThreshold) }
    if let lowSide = calibration.lowSide {
      try group.set("low_threshold", lowSide.threshold)
      try group.set("low_verdict", "\(lowSide.verdict)")
    }
    if let meanThreshold = calibration.meanThreshold { try group.set("mean_threshold", meanThreshold) }
    if let wantedRate = calibration.wantedRate { try group.set("wanted_rate", wantedRate) }
    if let frame = calibration.thresholdFrame {
      try group.set("threshold_frame", frame.index)
      try group.set("threshold_frame_name", frame.name)
    }
    if !calibration.levelMeans.isEmpty { try group.set("level_means", calibration.levelMeans) }
    try group.set("pixel_threshold", calibration.mapScale.threshold)
    try group.set("map_low", calibration.mapScale.low)
    try group.set("map_high", calibration.mapScale.high)
    if calibration.smoothing > 0 { try group.set("map_smoothing", calibration.smoothing) }
    if calibration.strangeScores.isEmpty { return }
    let strangeFrames = try group.group(strangeFramesName)
    for kind in StrangeFrame.allCases {
      guard let scores = calibration.strangeScores[kind] else { continue }
      try strangeFrames.write(kind.rawValue, shape: [scores.count], scores, as: Float.self)
      guard let means = calibration.strangeMeans[kind] else { continue }
      try strangeFrames.write(strangeMeansName(kind), shape: [means.count], means, as: Float.self)
    }
  }
}
