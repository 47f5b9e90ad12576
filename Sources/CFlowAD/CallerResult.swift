import Basics
import CFlowADHeader
import Imaging
import Kernels
import Scoring

/// A caller's result struct, which says what is wanted and receives what was found.
struct CallerResult {
  private let pointer: UnsafeMutablePointer<cflowad_result>
  /// What the caller wants beside the score.
  let request: FrameRequest
  private let regions: RegionOutputs?

  /// Checks the struct, and writes nothing.
  init(_ pointer: UnsafeMutablePointer<cflowad_result>) throws(Failure) {
    try self.init(pointer, CallerStruct.read(UnsafePointer(pointer), "result"))
  }

  private init(_ pointer: UnsafeMutablePointer<cflowad_result>, _ fields: cflowad_result) throws(Failure) {
    guard fields.reserved == 0 else { throw Failure(.invalidArgument, "the result's reserved field is not 0") }
    regions = try RegionOutputs(fields)
    self.pointer = pointer
    var request = FrameRequest()
    request.map = .init(fields.map, capacity: fields.map_capacity)
    request.frameMap = .init(fields.frame_map, capacity: fields.frame_map_capacity)
    request.logLikelihoods = .init(
      fields.log_likelihoods, capacity: fields.log_likelihoods_capacity)
    request.features = .init(fields.features, capacity: fields.features_capacity)
    request.regionLimit = regions?.capacity
    self.request = request
  }

  /// Scores a frame into a caller's struct: reads what is wanted, tells the shape, and writes what was found.
  static func fill(
    _ pointer: UnsafeMutablePointer<cflowad_result>, _ frame: Frame, by scorer: FrameScorer
  ) throws(Failure) {
    let result = try read(pointer, telling: scorer.detector, frame)
    result.write(try scorer.score(frame, result.request))
  }

  /// Like ``write(_:)`` it is not inlined, so that no copy of the struct, half a kilobyte, lies on the caller's stack while the frame
  /// is scored.
  @inline(never)
  private static func read(
    _ pointer: UnsafeMutablePointer<cflowad_result>, telling detector: Detector, _ frame: Frame
  ) throws(Failure) -> CallerResult {
    var fields = try CallerStruct.read(UnsafePointer(pointer), "result")
    fields.shape = cflowad_shape(detector, frame)
    CallerStruct.write(fields, to: pointer)
    return try CallerResult(pointer, fields)
  }

  @inline(never)
  func write(_ result: FrameResult) {
    CallerStruct.update(pointer) { fields in
      fields.score = result.score
      fields.threshold = result.thresholds.threshold
      fields.review_threshold = result.thresholds.reviewThreshold
      fields.verdict = result.verdict.rawValue
      fields.p_value = result.pValue
      fields.low_threshold = result.thresholds.lowThreshold
      fields.low_p_value = result.lowPValue
      fields.map_mean = result.mapMean
      fields.mean_threshold = result.thresholds.meanThreshold
      guard let found = result.regions, let regions else { return }
      fields.region_count = found.count
      fields.contour_count = regions.write(found, result)
    }
  }

  /// Writes how many values each array would hold, whether or not there is room for them. It is not inlined, so that
  /// its copy of the fields is gone from the stack when the frame is scored.
  @inline(never)
  static func tellShape(
    _ detector: Detector, _ frame: Frame, to pointer: UnsafeMutablePointer<cflowad_result>
  ) throws(Failure) {
    var fields = try CallerStruct.read(UnsafePointer(pointer), "result")
    fields.shape = cflowad_shape(detector, frame)
    CallerStruct.write(fields, to: pointer)
  }
}

extension cflowad_shape {
  fileprivate init(_ detector: Detector, _ frame: Frame) {
    self.init()
    let tiles = detector.preprocessing.tiles(frameWidth: frame.width, frameHeight: frame.height)
    map_width = UInt32(truncatingIfNeeded: tiles.columns.mapLength)
    map_height = UInt32(truncatingIfNeeded: tiles.rows.mapLength)
    tile_count = UInt32(truncatingIfNeeded: tiles.count)
    level_count = UInt32(truncatingIfNeeded: detector.levels.count)
    copyLevels(detector.levels, { $0.width }, into: &level_width)
    copyLevels(detector.levels, { $0.height }, into: &level_height)
    copyLevels(detector.levels, { $0.channels }, into: &level_channels)
  }
}

/// Copies one extent of each level into an array of `CFLOWAD_MAX_LEVELS`, the most levels that a model file has.
func copyLevels(
  _ levels: [Grid], _ extent: (Grid) -> Int, into array: inout (UInt32, UInt32, UInt32, UInt32)
) {
  withUnsafeMutableBytes(of: &array) { bytes in
    let elements = bytes.bindMemory(to: UInt32.self)
    for (place, level) in zip(elements.indices, levels) { elements[place] = UInt32(truncatingIfNeeded: extent(level)) }
  }
}
