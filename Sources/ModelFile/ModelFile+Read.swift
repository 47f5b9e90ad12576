import Basics
import Encoders
import Flows
import HDF5
import Imaging
import Scoring

extension ModelFile {
  /// The largest number of feature levels: `CFLOWAD_MAX_LEVELS` of the C header.
  static let maximumLevelCount = 4

  /// The contents of a file, and the link to its encoder when that is in a file of its own.
  static func contents(_ root: Group) throws(Failure) -> (DetectorContents, EncoderLink?) {
    try checkFormat(root)
    let encoderGroup = try root.group("encoder")
    let encoder = try encoderDescription(encoderGroup)
    let link = try EncoderLink(encoderGroup)
    var contents = DetectorContents(
      encoder: encoder, preprocessing: try preprocessing(root.group("preprocessing"), tiling: tiling(root)),
      encoderWeights: link == nil ? try tensors(encoderGroup) : StateDictionary())
    let levelCount = encoder.taps.count
    if try root.contains("flow") {
      let group = try root.group("flow")
      contents.flow = try flowDescription(group)
      contents.flowWeights = try flowWeights(group, levelCount: levelCount)
    }
    if try root.contains("calibration") {
      guard contents.flow != nil else { throw Failure(.format, "/calibration: there is none without /flow") }
      contents.calibration = try calibration(root.group("calibration"), levelCount: levelCount)
    }
    if try root.contains("training") {
      let training = try root.group("training")
      contents.trainedFrames = try trainedFrames(training)
      contents.fit = try fit(training, levelCount: levelCount)
    }
    if try root.contains(selfTestName) {
      guard contents.flow != nil else { throw Failure(.format, "/\(selfTestName): there is none without /flow") }
      contents.selfTest = try selfTest(root.group(selfTestName), levelCount: levelCount)
    }
    if try root.hasAttribute(weightsDigestName) { contents.weightsDigest = try weightsDigest(root) }
    if try root.contains("provenance") { contents.provenance = try provenance(root.group("provenance")) }
    return (contents, link)
  }

  static func checkFormat(_ root: Group) throws(Failure) {
    guard try root.hasAttribute("format"), try root.text("format") == formatName else {
      throw Failure(.format, "it is an HDF5 file but not a model file: no attribute format = \"\(formatName)\"")
    }
    let version = try root.integer("format_version")
    guard version >= 1 else { throw Failure(.format, "/: the attribute format_version is \(version)") }
    guard version <= formatVersion else {
      throw Failure(.unsupported, "its format is of version \(version); this library reads up to \(formatVersion)")
    }
  }

  /// Nil when frames are not cut.
  private static func tiling(_ root: Group) throws(Failure) -> Tiling? {
    guard try root.contains("tiling") else { return nil }
    let group = try root.group("tiling")
    let encoding = try group.text("positional_encoding")
    guard encoding == tilePositionalEncoding else {
      throw Failure(.unsupported, "\(group.path): positional_encoding is \(encoding)")
    }
    let (width, height) = (try group.integer("tile_width"), try group.integer("tile_height"))
    let overlap = try group.integer("tile_overlap")
    return try formatFailure(group) { () throws(Failure) in
      try Tiling(width: width, height: height, overlap: overlap)
    }
  }

  private static func preprocessing(_ group: Group, tiling: Tiling?) throws(Failure) -> Preprocessing {
    let name = try group.text("resample")
    guard let resampling = Resampling.allCases.first(where: { resamplingName($0) == name }) else {
      throw Failure(.unsupported, "\(group.path): resample is \(name)")
    }
    let (width, height) = (try group.integer("width"), try group.integer("height"))
    let mean = try group.numbers("mean").map { Float($0) }
    let standardDeviation = try group.numbers("standard_deviation").map { Float($0) }
    // Files from before version 1.1 have none.
    let low = try group.hasAttribute("window_low") ? Float(group.number("window_low")) : Window.full.low
    let high = try group.hasAttribute("window_high") ? Float(group.number("window_high")) : Window.full.high
    return try formatFailure(group) { () throws(Failure) in
      try Preprocessing(
        width: width, height: height, mean: mean, standardDeviation: standardDeviation,
        window: Window(low: low, high: high), tiling: tiling,
        resampling: resampling)
    }
  }

  private static func encoderDescription(_ group: Group) throws(Failure) -> EncoderDescription {
    let taps = try group.texts("taps")
    guard (1...maximumLevelCount).contains(taps.count) else {
      throw Failure(.format, "\(group.path): there are \(taps.count) taps, not 1 to \(maximumLevelCount)")
    }
    let precision: Precision = try group.hasAttribute("precision") ? choice("precision", of: group) : .float32
    return EncoderDescription(
      architecture: try group.text("architecture"), padding: try choice("padding", of: group), taps: taps,
      precision: precision)
  }

  private static func flowDescription(_ group: Group) throws(Failure) -> FlowDescription {
    let (blocks, condition) = (try group.integer("blocks"), try group.integer("condition_channels"))
    let start: FlowDescription.Start = try group.hasAttribute("start") ? choice("start", of: group) : .none
    let permutation: FlowDescription.Permutation = try choice("permutation", of: group)
    let clamp: FlowDescription.Clamp = try choice("clamp", of: group)
    let alpha = Float(try group.number("clamp_alpha"))
    return try formatFailure(group) { () throws(Failure) in
      try FlowDescription(
        start: start, blockCount: blocks, conditionChannels: condition, permutation: permutation, clamp: clamp,
        clampAlpha: alpha)
    }
  }

  private static func flowWeights(_ group: Group, levelCount: Int) throws(Failure) -> [StateDictionary] {
    let expected = (0..<levelCount).map { String($0) }
    let names = try group.names()
    guard names == expected else {
      throw Failure(.format, "\(group.path): it holds \(names.prefix(8)) where \(expected) is needed, one for each tap")
    }
    var weights: [StateDictionary] = []
    for name in names { weights.append(try tensors(group.group(name))) }
    return weights
  }

  private static func calibration(_ group: Group, levelCount: Int) throws(Failure) -> Calibration {
    let (maxima, scores) = (try group.dataset("level_maxima"), try group.dataset("scores"))
    guard maxima.shape == [levelCount] else {
      throw Failure(.format, "\(maxima.path): its shape is \(maxima.shape) where [\(levelCount)] is needed")
    }
    guard scores.shape.count == 1 else { throw Failure(.format, "\(scores.path): it has not one axis") }
    let (total, threshold) = (try group.number("total"), Float(try group.number("threshold")))
    let (levelMaxima, values) = (try maxima.read(Double.self), try scores.read(Float.self))
    // All that follows came with version 1.1 of the library.
    let reviewThreshold = try optionalNumber("review_threshold", of: group)
    let pixelThreshold = try optionalNumber("pixel_threshold", of: group)
    let defectiveScores =
      try group.contains("defective_scores") ? group.dataset("defective_scores").read(Float.self) : []
    let mask = try group.contains("region_of_interest") ? group.dataset("region_of_interest") : nil
    guard mask?.shape.count ?? 2 == 2 else {
      throw Failure(.format, "\(group.path)/region_of_interest: it has not two axes")
    }
    let region = try mask.map { (mask) throws(Failure) in
      (mask.shape, try mask.read(UInt8.self))
    }
    // What follows came with version 1.2.
    let lowSide = try lowSide(group)
    let (strangeScores, strangeMeans) = try strangeFrames(group)
    let meanThreshold = try optionalNumber("mean_threshold", of: group)
    let wantedRate = try group.hasAttribute("wanted_rate") ? group.number("wanted_rate") : nil
    let levelMeans = try group.hasAttribute("level_means") ? group.numbers("level_means") : []
    let thresholdFrame = try thresholdFrame(group)
    let smoothing = try group.hasAttribute("map_smoothing") ? group.number("map_smoothing") : 0
    return try formatFailure(group) { () throws(Failure) in
      var calibration = try Calibration(levelMaxima: levelMaxima, total: total, threshold: threshold, scores: values)
      try calibration.setReviewThreshold(reviewThreshold)
      try calibration.setDefectiveScores(defectiveScores)
      try calibration.setLowSide(lowSide)
      try calibration.setStrangeScores(strangeScores, means: strangeMeans)
      try calibration.setMeanThreshold(meanThreshold)
      try calibration.setWantedRate(wantedRate)
      try calibration.setLevelMeans(levelMeans)
      calibration.thresholdFrame = thresholdFrame
      try calibration.setSmoothing(smoothing)
      calibration.regionOfInterest = try region.map { (shape, mask) throws(Failure) in
        try RegionOfInterest(width: shape[1], height: shape[0], mask: mask)
      }
      if let pixelThreshold {
        calibration.mapScale = try MapScale(
          threshold: pixelThreshold, low: Float(group.number("map_low")), high: Float(group.number("map_high")))
      }
      return calibration
    }
  }

  private static func weightsDigest(_ root: Group) throws(Failure) -> String {
    let digest = try root.text(weightsDigestName)
    guard digest.utf8.count == 64, digest.allSatisfy(\.isHexDigit) else {
      throw Failure(.format, "/: \(weightsDigestName) is not one of 64 hexadecimal digits")
    }
    return digest
  }

  /// nil for a frame that this version does not know.
  private static func selfTest(_ group: Group, levelCount: Int) throws(Failure) -> SelfTest? {
    guard try group.text("frame") == SelfTest.frameName else { return nil }
    let score = try group.hasAttribute("score") ? Float(group.number("score")) : nil
    var levels: [[Float]] = []
    for level in 0..<levelCount {
      let dataset = try group.dataset(String(level))
      guard dataset.shape.count == 1 else { throw Failure(.format, "\(dataset.path): it has not one axis") }
      levels.append(try dataset.read(Float.self))
    }
    return try formatFailure(group) { () throws(Failure) in try SelfTest(levels: levels, score: score) }
  }

  /// nil when it is not known.
  private static func thresholdFrame(_ group: Group) throws(Failure) -> ThresholdFrame? {
    guard try group.hasAttribute("threshold_frame") else { return nil }
    return ThresholdFrame(
      index: try group.integer("threshold_frame"), name: try group.text("threshold_frame_name"))
  }

  /// nil when it is not known.
  private static func fit(_ group: Group, levelCount: Int) throws(Failure) -> FitSummary? {
    guard try group.hasAttribute("given_count") else { return nil }
    func numbers(_ name: String) throws(Failure) -> [Double]? {
      guard try group.hasAttribute(name) else { return nil }
      let values = try group.numbers(name)
      guard values.count == levelCount else {
        throw Failure(.format, "\(group.path): \(name) has \(values.count) numbers for \(levelCount) levels")
      }
      return values
    }
    let (given, fitted) = (try group.integer("given_count"), try group.integer("fitted_count"))
    let (half, full, gains) = (try numbers("curve_half"), try numbers("curve_full"), try numbers("coupling_gains"))
    let counts = try group.hasAttribute("curve_counts") ? group.numbers("curve_counts") : []
    return try formatFailure(group) { () throws(Failure) in
      var curve: LearningCurve?
      if let half, let full, counts.count == 2 {
        curve = try LearningCurve(
          halfCount: Int(exactly: counts[0]) ?? 0, fullCount: Int(exactly: counts[1]) ?? 0, half: half, full: full)
      }
      return try FitSummary(givenCount: given, fittedCount: fitted, curve: curve, couplingGains: gains ?? [])
    }
  }

  /// Nil when low scores pass.
  private static func lowSide(_ group: Group) throws(Failure) -> LowSide? {
    guard let threshold = try optionalNumber("low_threshold", of: group) else { return nil }
    let name = try group.text("low_verdict")
    guard let verdict = Verdict.allCases.first(where: { "\($0)" == name }) else {
      throw Failure(.format, "\(group.path): low_verdict is '\(name)', which is no verdict")
    }
    return LowSide(threshold: threshold, verdict: verdict)
  }

  /// Reads the scores and means of kinds that this version knows.
  private static func strangeFrames(
    _ group: Group
  ) throws(Failure) -> ([StrangeFrame: [Float]], [StrangeFrame: [Float]]) {
    guard try group.contains(strangeFramesName) else { return ([:], [:]) }
    let frames = try group.group(strangeFramesName)
    func values(_ name: (StrangeFrame) -> String) throws(Failure) -> [StrangeFrame: [Float]] {
      var values: [StrangeFrame: [Float]] = [:]
      for kind in StrangeFrame.allCases where try frames.contains(name(kind)) {
        values[kind] = try frames.dataset(name(kind)).read(Float.self)
      }
      return values
    }
    return (try values { $0.rawValue }, try values(strangeMeansName))
  }

  private static func optionalNumber(_ name: String, of group: Group) throws(Failure) -> Float? {
    try group.hasAttribute(name) ? Float(group.number(name)) : nil
  }

  private static func trainedFrames(_ group: Group) throws(Failure) -> Set<UInt64> {
    guard try group.contains("frames") else { return [] }
    return Set(try group.dataset("frames").read(Int64.self).map { UInt64(bitPattern: $0) })
  }

  /// Reads all attributes that are text.
  private static func provenance(_ group: Group) throws(Failure) -> [String: String] {
    var texts: [String: String] = [:]
    for name in try group.attributeNames() where try group.hasText(name) { texts[name] = try group.text(name) }
    return texts
  }

  /// Reads all datasets of a group, and fails if it contains anything else. Inverse permutations are skipped, since they follow from
  /// `w_perm`.
  static func tensors(_ group: Group) throws(Failure) -> StateDictionary {
    var tensors: [String: Tensor] = [:]
    for name in try group.names() where !name.hasSuffix("w_perm_inv") {
      let dataset = try group.dataset(name)
      guard tensors[name] == nil else { throw Failure(.format, "\(dataset.path): the name occurs twice") }
      tensors[name] = try dataset.tensor()
    }
    return StateDictionary(tensors)
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, of group: Group
  ) throws(Failure) -> Choice {
    let text = try group.text(name)
    guard let choice = Choice(rawValue: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.format, "\(group.path): \(name) is '\(text)', not one of \(choices)")
    }
    return choice
  }

  /// Turns `.invalidArgument` into `.format`, since a file is damaged when it holds a value that a type refuses.
  private static func formatFailure<Value>(
    _ group: Group, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(Failure) {
      return try body()
    } catch { throw Failure(.format, error.message).within(group.path) }
  }
}
