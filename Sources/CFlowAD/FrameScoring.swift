import Basics
import CFlowADHeader
import Imaging
import Scoring
import Segmentation

/// A frame on its way into a caller's result. Everything is checked before anything is written.
struct FrameScoring {
  private let session: DetectorSession
  private let frame: Frame
  private let layout: MapLayout
  private let result: UnsafeMutablePointer<cflowad_result>
  private let outputs: cflowad_result
  private let regions: RegionOutputs?
  private let finder: RegionFinder?
  /// The map at the frame's size, the caller's memory or the session's; nil when it is not needed.
  private let frameMap: UnsafeMutablePointer<Float>?

  /// Checks frame and result, and has the session make what it needs for this size of frames.
  init(
    _ session: DetectorSession, _ frame: UnsafePointer<cflowad_frame>?, _ result: UnsafeMutablePointer<cflowad_result>
  ) throws(Failure) {
    let frame = try checkedFrame(frame)
    let outputs = try CallerStruct.read(UnsafePointer(result), "result")
    guard outputs.reserved == 0 else { throw Failure(.invalidArgument, "the result's reserved field is not 0") }
    let layout = try session.layout(for: frame)
    if outputs.map != nil { try checkCapacity(outputs.map_capacity, holds: layout.width &* layout.height, "map") }
    if outputs.frame_map != nil {
      try checkCapacity(outputs.frame_map_capacity, holds: frame.width &* frame.height, "frame_map")
    }
    // Neither product overflows: 2^24 tiles at most, of levels that are in memory.
    if outputs.log_likelihoods != nil {
      try checkCapacity(
        outputs.log_likelihoods_capacity, holds: layout.tiles.count &* session.detector.positionCount, "log_likelihoods"
      )
    }
    if outputs.features != nil {
      try checkCapacity(
        outputs.features_capacity, holds: layout.tiles.count &* session.detector.featureCount, "features")
    }
    let regions = try RegionOutputs(outputs)
    finder = try regions.map { (regions) throws(Failure) in
      try session.regionFinder(for: frame, limit: regions.capacity)
    }
    let isMissing = regions != nil && outputs.frame_map == nil
    frameMap = isMissing ? try session.frameMap(for: frame) : outputs.frame_map
    self.session = session
    self.frame = frame
    self.layout = layout
    self.result = result
    self.outputs = outputs
    self.regions = regions
  }

  var tileCount: Int { layout.tiles.count }

  /// Runs a tile, each once and in their order, and gives its log-likelihoods and features if they are wanted.
  ///
  /// - Parameter isEncoded: the encoder ran this tile last, for another detector.
  func run(tile: Int, isEncoded: Bool = false) throws(Failure) {
    try session.run(tile: tile, of: frame, layout, isEncoded: isEncoded)
    let detector = session.detector
    if let target = outputs.log_likelihoods {
      (target + tile &* detector.positionCount).update(
        from: session.likelihoods.logLikelihoods, count: detector.positionCount)
    }
    if var target = outputs.features.map({ $0 + tile &* detector.featureCount }) {
      for (level, grid) in detector.levels.enumerated() {
        target.update(from: session.likelihoods.features(level), count: grid.count)
        target += grid.count
      }
    }
  }

  /// Gives score, verdict, maps and regions, when all tiles were run.
  func finish() throws(Failure) {
    var outputs = outputs
    let calibration = session.detector.calibration
    outputs.score = try session.computeScore(layout)
    outputs.threshold = session.judge.threshold
    outputs.review_threshold = session.judge.reviewThreshold
    outputs.verdict = session.judge.verdict(outputs.score, mean: session.mapMean).rawValue
    outputs.p_value = calibration?.pValue(outputs.score) ?? .nan
    outputs.low_threshold = session.judge.lowThreshold
    outputs.low_p_value = session.lowPValue(outputs.score)
    outputs.map_mean = session.mapMean
    outputs.mean_threshold = session.judge.meanThreshold
    outputs.map?.update(from: session.map, count: layout.width &* layout.height)
    if let frameMap { layout.resample(session.map, into: frameMap) }
    if let regions, let finder, let frameMap {
      outputs.region_count = session.findRegions(finder, in: frameMap, layout)
      outputs.contour_count = regions.write(finder, calibration: calibration)
    }
    CallerStruct.write(outputs, to: result)
  }
}
