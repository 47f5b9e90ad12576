import Basics
import CFlowADHeader
import Scoring

private let watches = HandleTable<LineWatch>(kind: 5, name: "watch")

private var defaultWatchOptions: cflowad_watch_options {
  var options = cflowad_watch_options()
  options.false_alarm_rate = 0.01
  return options
}

@_cdecl("cflowad_watch_options_init") @implementation
public func cflowad_watch_options_init(
  _ options: UnsafeMutablePointer<cflowad_watch_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    try CallerStruct.initialize(options, size: structSize, "watch options", defaults: defaultWatchOptions)
  }
}

@_cdecl("cflowad_watch_create") @implementation
public func cflowad_watch_create(
  _ model: OpaquePointer?, _ options: UnsafePointer<cflowad_watch_options>?,
  _ watch: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let watch = try checkedOutput(watch, "watch")
    let detector = try models.object(model)
    var chosen = defaultWatchOptions
    if options != nil { chosen = try CallerStruct.read(options, "watch options", defaults: chosen) }
    watch.pointee = try watches.insert(
      LineWatch(detector.calibration, falseAlarmRate: chosen.false_alarm_rate, seed: chosen.seed))
  }
}

@_cdecl("cflowad_session_set_watch") @implementation
public func cflowad_session_set_watch(
  _ session: OpaquePointer?, _ index: Int, _ watch: OpaquePointer?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let session = try sessions.object(session)
    let chosen = watch == nil ? nil : try watches.object(watch)
    try session.use { (group) throws(Failure) in
      guard group.scorers.indices.contains(index) else {
        throw Failure(.invalidArgument, "there is no model \(index) in a session of \(group.scorers.count)")
      }
      guard chosen?.suits(group.scorers[index].detector.calibration) ?? true else {
        throw Failure(.invalidArgument, "the watch is that of another calibration than the model's")
      }
      group.scorers[index].watch = chosen
    }
  }
}

@_cdecl("cflowad_watch_add") @implementation
public func cflowad_watch_add(_ watch: OpaquePointer?, _ score: Float) -> cflowad_status {
  attempt { () throws(Failure) in try watches.object(watch).add(score) }
}

@_cdecl("cflowad_watch_get_state") @implementation
public func cflowad_watch_get_state(
  _ watch: OpaquePointer?, _ state: UnsafeMutablePointer<cflowad_watch_state>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let watch = try watches.object(watch)
    let state = try checkedOutput(state, "state")
    var filled = try CallerStruct.read(state, "state")
    let summary = watch.summary
    filled.frame_count = summary.frameCount
    filled.evidence = summary.evidence
    filled.highest_evidence = summary.highestEvidence
    filled.false_alarm_rate = summary.falseAlarmRate
    filled.changed_at = summary.changedAt ?? 0
    filled.recent_share = summary.recentShare
    filled.calibration_count = UInt64(summary.calibrationCount)
    filled.has_changed = summary.changedAt == nil ? 0 : 1
    filled.reserved = 0
    CallerStruct.write(filled, to: state)
  }
}

@_cdecl("cflowad_watch_reset") @implementation
public func cflowad_watch_reset(_ watch: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in try watches.object(watch).reset() }
}

@_cdecl("cflowad_watch_export") @implementation
public func cflowad_watch_export(
  _ watch: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ capacity: Int, _ size: UnsafeMutablePointer<Int>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let watch = try watches.object(watch)
    let size = try checkedOutput(size, "size")
    size.pointee = watch.byteCount
    guard data != nil || capacity != 0 else { return }
    // size_t is unsigned: SIZE_MAX, "no limit", arrives as -1.
    let room = capacity < 0 ? watch.byteCount : min(capacity, watch.byteCount)
    try watch.export(to: UnsafeMutableRawBufferPointer(start: checkedOutput(data, "data"), count: room))
  }
}

@_cdecl("cflowad_watch_import") @implementation
public func cflowad_watch_import(
  _ watch: OpaquePointer?, _ data: UnsafeRawPointer?, _ size: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    let watch = try watches.object(watch)
    guard let data, size >= 0 else { throw Failure(.invalidArgument, "the state is NULL or too large") }
    try watch.restore(UnsafeRawBufferPointer(start: data, count: size))
  }
}

@_cdecl("cflowad_watch_close") @implementation
public func cflowad_watch_close(_ watch: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in try watches.remove(watch) }
}
