import Basics
import CFlowADHeader

private let queues = HandleTable<ScoringQueue>(kind: 4, name: "queue")

private var defaultQueueOptions: cflowad_queue_options {
  var options = cflowad_queue_options()
  options.capacity = 8
  return options
}

@_cdecl("cflowad_queue_options_init") @implementation
public func cflowad_queue_options_init(
  _ options: UnsafeMutablePointer<cflowad_queue_options>?, _ structSize: Int
) -> cflowad_status {
  attempt { () throws(Failure) in
    try CallerStruct.initialize(options, size: structSize, "queue options", defaults: defaultQueueOptions)
  }
}

@_cdecl("cflowad_queue_create") @implementation
public func cflowad_queue_create(
  _ session: OpaquePointer?, _ options: UnsafePointer<cflowad_queue_options>?,
  _ queue: UnsafeMutablePointer<OpaquePointer?>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let queue = try checkedOutput(queue, "queue")
    let session = try sessions.object(session)
    var chosen = defaultQueueOptions
    if options != nil { chosen = try CallerStruct.read(options, "queue options", defaults: chosen) }
    let capacity = Int(chosen.capacity)
    try checkRange("the queue's capacity", capacity, within: 1...Int(CFLOWAD_MAX_QUEUE_CAPACITY))
    try checkRange("in_order", chosen.in_order, within: 0...1)
    let made = try ScoringQueue(session, capacity: capacity, isInOrder: chosen.in_order == 1)
    do throws(Failure) { queue.pointee = try queues.insert(made) } catch {
      made.close()
      throw error
    }
  }
}

@_cdecl("cflowad_queue_submit") @implementation
public func cflowad_queue_submit(
  _ queue: OpaquePointer?, _ frame: UnsafePointer<cflowad_frame>?, _ results: UnsafeMutablePointer<cflowad_result>?,
  _ submission: UnsafePointer<cflowad_submission>?, _ ticket: UnsafeMutablePointer<UInt64>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let now = Clock.now
    let queue = try queues.object(queue)
    let firstResult = try checkedOutput(results, "results")
    let results = try CallerArray(firstResult, "first result")
    let frame = try checkedFrame(frame)
    var chosen = cflowad_submission()
    if submission != nil { chosen = try CallerStruct.read(submission, "submission") }
    try checkResults(queue.group, frame, results)
    let entry = ScoringQueue.Entry(
      frame: frame, results: results, firstResult: firstResult, tag: chosen.tag, submitted: now,
      latestStart: chosen.start_within_ns == 0 ? .max : Clock.time(chosen.start_within_ns, after: now))
    let number = try queue.submit(entry, waitingUntil: Clock.time(chosen.timeout_ns, after: now))
    ticket?.pointee = number
  }
}

@_cdecl("cflowad_queue_wait") @implementation
public func cflowad_queue_wait(
  _ queue: OpaquePointer?, _ timeout: UInt64, _ completion: UnsafeMutablePointer<cflowad_completion>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let queue = try queues.object(queue)
    let completion = try checkedOutput(completion, "completion")
    var filled = try CallerStruct.read(completion, "completion")
    let (ticket, entry) = try queue.fetch(waitingUntil: Clock.time(timeout, after: Clock.now))
    filled.ticket = ticket
    filled.tag = entry.tag
    filled.results = entry.firstResult
    filled.status = entry.failure?.kind.rawValue ?? cflowad_status(CFLOWAD_OK)
    filled.reserved = 0
    filled.waited_ns = entry.began &- entry.submitted
    filled.scored_ns = entry.ended &- entry.began
    CallerStruct.write(filled, to: completion)
    if let failure = entry.failure { LastError.set(failure.message) }
  }
}

@_cdecl("cflowad_queue_descriptor") @implementation
public func cflowad_queue_descriptor(_ queue: OpaquePointer?) -> Int32 {
  var descriptor: Int32 = -1
  _ = attempt { () throws(Failure) in descriptor = try queues.object(queue).descriptor() }
  return descriptor
}

@_cdecl("cflowad_queue_cancel") @implementation
public func cflowad_queue_cancel(_ queue: OpaquePointer?, _ ticket: UInt64) -> cflowad_status {
  attempt { () throws(Failure) in try queues.object(queue).cancel(ticket) }
}

@_cdecl("cflowad_queue_cancel_all") @implementation
public func cflowad_queue_cancel_all(
  _ queue: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let cancelled = try queues.object(queue).cancelAll()
    count?.pointee = cancelled
  }
}

@_cdecl("cflowad_queue_get_state") @implementation
public func cflowad_queue_get_state(
  _ queue: OpaquePointer?, _ state: UnsafeMutablePointer<cflowad_queue_state>?
) -> cflowad_status {
  attempt { () throws(Failure) in
    let queue = try queues.object(queue)
    let state = try checkedOutput(state, "state")
    var filled = try CallerStruct.read(state, "state")
    try queue.read { places, counts in
      filled.capacity = UInt32(places.count)
      filled.waiting = UInt32(places.waitingCount)
      filled.scoring = places.isRunning ? 1 : 0
      filled.completed = UInt32(places.doneCount)
      filled.scored = counts.scored
      filled.failed = counts.failed
      filled.late = counts.late
      filled.cancelled = counts.cancelled
      filled.refused = counts.refused
    }
    CallerStruct.write(filled, to: state)
  }
}

@_cdecl("cflowad_queue_stop") @implementation
public func cflowad_queue_stop(_ queue: OpaquePointer?, _ how: Int32) -> cflowad_status {
  attempt { () throws(Failure) in
    let queue = try queues.object(queue)
    guard [CFLOWAD_QUEUE_DRAIN, CFLOWAD_QUEUE_DROP].contains(Int(how)) else {
      throw Failure(.invalidArgument, "\(how) is neither CFLOWAD_QUEUE_DRAIN nor CFLOWAD_QUEUE_DROP")
    }
    try queue.stop(isDropping: Int(how) == CFLOWAD_QUEUE_DROP)
  }
}

@_cdecl("cflowad_queue_close") @implementation
public func cflowad_queue_close(_ queue: OpaquePointer?) -> cflowad_status {
  attempt { () throws(Failure) in
    guard queue != nil else { return }
    let closed = try queues.object(queue)
    // If two threads close the queue at the same time, one of them is refused here.
    try queues.remove(queue)
    closed.close()
  }
}
