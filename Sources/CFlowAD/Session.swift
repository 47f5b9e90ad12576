import Basics
import CFlowADHeader
import Imaging
import Scoring
import Segmentation

let sessions = HandleTable<Exclusive<DetectorGroup>>(kind: 2, name: "session")

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

/// Opens a session and returns its handle.
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
  let workers = try checkedWorkers(chosen.thread_count, chosen.parallel_for, chosen.parallel_for_context)
  let group = try DetectorGroup(detectors, workers: workers) { detector in
    DecisionThresholds(
      detector.calibration, threshold: threshold, reviewThreshold: reviewThreshold, pixelThreshold: regionThreshold,
      regionFilter: regionFilter)
  }
  let handle = try sessions.insert(Exclusive(group, name: "session"))
  Log.write(
    .info,
    "session created with \(String(workers.count, of: "thread")) for "
      + (detectors.count == 1 ? detectors[0].logText : String(detectors.count, of: "model")))
  return handle
}

@_cdecl("cflowad_session_replace_model") @implementation
public func cflowad_session_replace_model(
  _ session: OpaquePointer?, _ index: Int, _ model: OpaquePointer?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    let detector = try models.object(model)
    try session.exchange { (group) throws(Failure) in try group.replacing(index, with: detector) }
    Log.write(.info, "model \(index) of a session replaced by \(detector.logText)")
  }
}

@_cdecl("cflowad_session_set_region_of_interest") @implementation
public func cflowad_session_set_region_of_interest(
  _ session: OpaquePointer?, _ roi: UnsafePointer<cflowad_roi>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    try sessions.object(session).use { (group) throws(Failure) in
      let regions = try group.scorers.map { (scorer) throws(Failure) in
        try roi == nil ? nil : checkedRegionOfInterest(roi, for: scorer.detector.preprocessing)
      }
      for (scorer, region) in zip(group.scorers, regions) { scorer.setRegionOfInterest(region) }
    }
  }
}

@_cdecl("cflowad_session_close") @implementation
public func cflowad_session_close(_ session: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in
    try sessions.remove(session)
    if session != nil { Log.write(.debug, "session closed") }
  }
}

/// The caller's number, or nil for NaN.
private func optional(_ value: Float, _ name: StaticString) throws(Failure) -> Float? {
  guard !value.isInfinite else { throw Failure(.invalidArgument, "the \(name) is infinite") }
  return value.isNaN ? nil : value
}
