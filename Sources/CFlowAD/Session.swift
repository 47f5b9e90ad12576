import Basics
import CFlowADHeader
import Imaging
import Kernels
import Scoring
import Segmentation

private let sessions = HandleTable<ScoringSession>(kind: 2, name: "session")

private var defaultSessionOptions: cflowad_session_options {
  var options = cflowad_session_options()
  options.threshold = .nan
  options.review_threshold = .nan
  options.region_threshold = .nan
  options.region_min_area = 1
  options.region_min_score = .nan
  return options
}

@_cdecl("cflowad_session_options_init") @implementation
public func cflowad_session_options_init(
  _ options: UnsafeMutablePointer<cflowad_session_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    try CallerStruct.initialize(options, size: structSize, "session options", defaults: defaultSessionOptions)
  }
}

@_cdecl("cflowad_session_create") @implementation
public func cflowad_session_create(
  _ model: OpaquePointer?, _ options: UnsafePointer<cflowad_session_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try checkedOutput(session, "session")
    session.pointee = try open([try models.object(model)], options)
  }
}

@_cdecl("cflowad_session_create_many") @implementation
public func cflowad_session_create_many(
  _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ options: UnsafePointer<cflowad_session_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try checkedOutput(session, "session")
    guard let handles, (1...4096).contains(count) else {
      throw Failure(.invalidArgument, "the models are NULL, or their count is not within 1...4096")
    }
    var detectors: [Detector] = []
    for index in 0..<count {
      do throws(Failure) {
        detectors.append(try models.object(handles[index]))
      } catch {
        throw error.within("model \(index)")
      }
    }
    session.pointee = try open(detectors, options)
  }
}

/// A new session's handle.
private func open(
  _ detectors: [Detector], _ options: UnsafePointer<cflowad_session_options>?
) throws(Failure) -> OpaquePointer {
  var chosen = defaultSessionOptions
  if options != nil { chosen = try CallerStruct.read(options, "session options", defaults: defaultSessionOptions) }
  let threshold = try optional(chosen.threshold, "threshold")
  let reviewThreshold = try optional(chosen.review_threshold, "review threshold")
  let regionThreshold = try optional(chosen.region_threshold, "region threshold")
  let regionFilter = RegionFinder.Filter(
    minimumArea: Int(chosen.region_min_area),
    minimumPeak: try optional(chosen.region_min_score, "lowest region score"))
  return try sessions.insert(
    ScoringSession(
      detectors, workers: checkedWorkers(chosen.thread_count, chosen.parallel_for, chosen.parallel_for_context)
    ) { detector in
      Judge(
        detector.calibration, threshold: threshold, reviewThreshold: reviewThreshold, pixelThreshold: regionThreshold,
        regionFilter: regionFilter)
    })
}

@_cdecl("cflowad_session_replace_model") @implementation
public func cflowad_session_replace_model(
  _ session: OpaquePointer?, _ index: Int, _ model: OpaquePointer?
) -> cflowad_status {
  attempt { () throws(Failure) in
    try sessions.object(session).replace(index, with: try models.object(model))
  }
}

@_cdecl("cflowad_session_set_region_of_interest") @implementation
public func cflowad_session_set_region_of_interest(
  _ session: OpaquePointer?, _ roi: UnsafePointer<cflowad_roi>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    try sessions.object(session).use { (group) throws(Failure) in
      let regions = try group.members.map { (member) throws(Failure) in
        try roi == nil ? nil : checkedRegionOfInterest(roi, for: member.session.detector.preprocessing)
      }
      for (member, region) in zip(group.members, regions) { try member.session.setRegionOfInterest(region) }
    }
  }
}

@_cdecl("cflowad_session_score") @implementation
public func cflowad_session_score(
  _ session: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ result: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let result = try checkedOutput(result, "result")
    let session = try sessions.object(session)
    try session.use { (group) throws(Failure) in
      let member = group.members[0].session
      try tellShape(member.detector, frame, result)
      try score(member, frame, result)
    }
  }
}

@_cdecl("cflowad_session_score_batch") @implementation
public func cflowad_session_score_batch(
  _ session: OpaquePointer?, _ frames: UnsafePointer<cflowad_frame>?, _ count: Int,
  _ results: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    guard count != 0 else { return }
    guard let firstFrame = frames, let firstResult = results, count > 0 else {
      throw Failure(.invalidArgument, "the frames or results are NULL, or their count is too large")
    }
    let frames = try CallerArray(firstFrame, "first frame")
    let results = try CallerArray(firstResult, "first result")
    try session.use { (group) throws(Failure) in
      let member = group.members[0].session
      tellShapes(count) { (index) throws(Failure) in
        try tellShape(member.detector, frames.element(index), results.element(index))
      }
      for index in 0..<count {
        do throws(Failure) {
          try score(member, frames.element(index), results.element(index))
        } catch {
          throw error.within("frame \(index)")
        }
      }
    }
  }
}

@_cdecl("cflowad_session_score_all") @implementation
public func cflowad_session_score_all(
  _ session: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ results: UnsafeMutablePointer<cflowad_result>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    let results = try CallerArray(checkedOutput(results, "results"), "first result")
    try session.use { (group) throws(Failure) in
      tellShapes(group.members.count) { (index) throws(Failure) in
        try tellShape(group.members[index].session.detector, frame, results.element(index))
      }
      try score(group, frame, results)
    }
  }
}

@_cdecl("cflowad_session_close") @implementation
public func cflowad_session_close(_ session: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in try sessions.remove(session) }
}

/// The caller's number, nil for NaN.
private func optional(_ value: Float, _ name: StaticString) throws(Failure) -> Float? {
  guard !value.isInfinite else { throw Failure(.invalidArgument, "the \(name) is infinite") }
  return value.isNaN ? nil : value
}

/// Tells what the arrays of several results hold. Where that fails, scoring fails in its turn.
private func tellShapes(_ count: Int, _ tell: (Int) throws(Failure) -> Void) {
  for index in 0..<count {
    do throws(Failure) { try tell(index) } catch { return }
  }
}

/// Scores one frame into the caller's result.
private func score(
  _ session: DetectorSession, _ frame: UnsafePointer<cflowad_frame>?, _ result: UnsafeMutablePointer<cflowad_result>
) throws(Failure) {
  let scoring = try FrameScoring(session, frame, result)
  for tile in 0..<scoring.tileCount { try scoring.run(tile: tile) }
  try scoring.finish()
}

/// Scores one frame with every member of a group, tile by tile, so that members with the same encoder share the
/// features of each tile. The members before the first that fails are scored all the same.
private func score(
  _ group: DetectorGroup, _ frame: UnsafePointer<cflowad_frame>?, _ results: CallerArray<cflowad_result>
) throws(Failure) {
  /// A member's part, made again for every step: there is no memory to keep it in.
  func part(_ index: Int) throws(Failure) -> FrameScoring {
    try FrameScoring(group.members[index].session, frame, results.element(index))
  }
  var (memberCount, failure) = (group.members.count, Failure?.none)
  var (tile, tileCount) = (0, 1)
  while tile < tileCount {
    for index in 0..<memberCount {
      do throws(Failure) {
        let scoring = try part(index)
        tileCount = max(tileCount, scoring.tileCount)
        if tile < scoring.tileCount { try scoring.run(tile: tile, isEncoded: group.members[index].isEncodedBefore) }
      } catch {
        (memberCount, failure) = (index, error.within("model \(index)"))
        break
      }
    }
    tile += 1
  }
  for index in 0..<memberCount {
    do throws(Failure) { try part(index).finish() } catch { throw error.within("model \(index)") }
  }
  if let failure { throw failure }
}
