import Basics
import CFlowADHeader
import CProcess
import Execution
import Imaging
import Scoring

/// A queue of frames that are scored with a session by a thread of the queue.
///
/// No thread holds the lock while it waits. Threads wait for semaphores, whose counts change with the places under the lock. So a
/// fork that meets no call finds the lock free.
final class ScoringQueue: @unchecked Sendable {
  /// A frame and its outcome.
  struct Entry {
    let frame: Frame
    let results: CallerArray<cflowad_result>
    let firstResult: UnsafeMutablePointer<cflowad_result>
    let tag: UnsafeMutableRawPointer?
    let submitted: UInt64
    /// When its scoring must have begun.
    let latestStart: UInt64
    var began: UInt64 = 0
    var ended: UInt64 = 0
    var failure: Failure?

    fileprivate mutating func giveUp(_ failure: Failure) {
      began = Clock.now
      ended = began
      self.failure = failure
    }
  }

  struct Counts {
    var scored: UInt64 = 0
    var failed: UInt64 = 0
    var late: UInt64 = 0
    var cancelled: UInt64 = 0
    var refused: UInt64 = 0
  }

  private struct State {
    var places: QueuePlaces
    var entries: [Entry?]
    var counts = Counts()
    /// Whether the queue takes no more frames.
    var isStopped = false
    /// Whether those who wait for completions were told that none will come.
    var isExhausted = false
    /// Whether the thread is to end.
    var isClosing = false
  }

  private let session: Exclusive<DetectorGroup>
  private let state: Locked<State>
  /// Counts the frames that wait. It may be too high after some were cancelled.
  private let work: Semaphore
  /// Counts the free places, and one more when the queue is stopped.
  private let room: Semaphore
  /// Counts the completions that can be fetched, and one more when no others will come.
  private let completions: Semaphore
  private var thread: pthread_t?
  /// The process that has the thread.
  private let generation = cflowad_process_generation()

  init(_ session: Exclusive<DetectorGroup>, capacity: Int, isInOrder: Bool) throws(Failure) {
    self.session = session
    try checkMemory(for: capacity, of: Entry?.self)
    state = Locked(
      State(
        places: try QueuePlaces(count: capacity, isInOrder: isInOrder),
        entries: Array(repeating: nil, count: capacity)))
    work = try Semaphore()
    room = try Semaphore(count: capacity)
    completions = try Semaphore()
    try withSignalsBlocked { () throws(Failure) in
      var thread = pthread_t()
      // The queue outlives its thread, since it is released after ``close()`` has waited for that.
      let status = pthread_create(&thread, nil, queueMain, Unmanaged.passUnretained(self).toOpaque())
      guard status == 0 else { throw Failure(.outOfMemory, "a queue's thread cannot be started (error \(status))") }
      self.thread = thread
    }
  }

  /// The models that the next frame will be scored with.
  var group: DetectorGroup { session.latest }

  func descriptor() throws(Failure) -> Int32 {
    try checkProcess()
    return completions.descriptor
  }

  /// Adds a frame as soon as there is a place. Fails with `.full`, or with `.state` when the queue is stopped.
  func submit(_ entry: Entry, waitingUntil time: UInt64) throws(Failure) -> UInt64 {
    try checkProcess()
    while true {
      let isOver = time <= Clock.now
      let ticket = try state.withLock { state throws(Failure) -> UInt64? in
        guard !state.isStopped else { throw Failure(.state, "the queue was stopped") }
        guard let (place, ticket) = state.places.enter() else {
          if isOver { state.counts.refused += 1 }
          return nil
        }
        state.entries[place] = entry
        room.take()
        work.add()
        return ticket
      }
      if let ticket { return ticket }
      guard !isOver else { throw Failure(.full, "all places of the queue are taken") }
      outsideOfCall { room.wait(until: time) }
    }
  }

  /// Fetches the next completion. Fails with `.timeout` when there is none in time, with `.state` when none will come.
  func fetch(waitingUntil time: UInt64) throws(Failure) -> (ticket: UInt64, entry: Entry) {
    try checkProcess()
    while true {
      let isOver = time <= Clock.now
      let fetched = try state.withLock { state throws(Failure) -> (UInt64, Entry)? in
        guard let (place, ticket) = state.places.takeAway(), let entry = state.entries[place].take() else {
          guard !state.isExhausted else {
            throw Failure(.state, "the queue was stopped and all its frames were fetched")
          }
          return nil
        }
        completions.take()
        room.add()
        return (ticket, entry)
      }
      if let fetched { return fetched }
      guard !isOver else { throw Failure(.timeout, "no frame was done in time") }
      outsideOfCall { completions.wait(until: time) }
    }
  }

  /// Cancels a frame that waits. Fails with `.state` when it does not.
  func cancel(_ ticket: UInt64) throws(Failure) {
    try checkProcess()
    try state.withLock { state throws(Failure) in
      guard let place = state.places.waiting(ticket) else {
        throw Failure(.state, "frame \(ticket) does not wait in the queue, or not any more")
      }
      cancel(place, &state)
    }
  }

  /// Cancels all frames that wait, and returns how many there were.
  func cancelAll() throws(Failure) -> Int {
    try checkProcess()
    return state.withLock { cancelAll(&$0) }
  }

  func stop(isDropping: Bool) throws(Failure) {
    try checkProcess()
    state.withLock { stop(&$0, isDropping: isDropping) }
  }

  func read(_ body: (QueuePlaces, Counts) -> Void) throws(Failure) {
    try checkProcess()
    state.withLock { body($0.places, $0.counts) }
  }

  /// Cancels the frames that wait, and returns when the thread has ended.
  func close() {
    guard isAtHome, let thread else { return }
    state.withLock { state in
      stop(&state, isDropping: true)
      state.isClosing = true
    }
    work.add()
    pthread_join(thread, nil)
  }

  private var isAtHome: Bool { generation == cflowad_process_generation() }

  private func checkProcess() throws(Failure) {
    guard isAtHome else { throw Failure(.state, "the queue's thread is in the process that this one was forked from") }
  }

  // MARK: Under the lock

  private func stop(_ state: inout State, isDropping: Bool) {
    if !state.isStopped { room.add() }
    state.isStopped = true
    if isDropping { _ = cancelAll(&state) }
    tellIfExhausted(&state)
  }

  private func cancelAll(_ state: inout State) -> Int {
    var count = 0
    while let place = state.places.firstWaiting {
      cancel(place, &state)
      count += 1
    }
    return count
  }

  private func cancel(_ place: Int, _ state: inout State) {
    state.entries[place]?.giveUp(Failure(.cancelled, "the frame was cancelled"))
    state.counts.cancelled += 1
    finish(place, &state)
  }

  private func finish(_ place: Int, _ state: inout State) {
    completions.add(state.places.finish(place))
    tellIfExhausted(&state)
  }

  private func tellIfExhausted(_ state: inout State) {
    guard state.isStopped, !state.isExhausted, state.places.isIdle else { return }
    state.isExhausted = true
    completions.add()
  }

  // MARK: The queue's thread

  fileprivate func serve() {
    while true {
      // This does not count as a call, so that a child of a fork meanwhile can use the library.
      work.wait(until: .max)
      guard cflowad_process_begin_call() != 0 else { return }
      defer { cflowad_process_end_call() }
      guard FloatMode.inDefault({ serveNext() }) else { return }
    }
  }

  /// Scores the frame that has waited longest, if there is one; false when the queue is being closed.
  private func serveNext() -> Bool {
    work.take()
    let next = state.withLock { state -> (place: Int, entry: Entry)? in
      while let place = state.places.begin(), let entry = state.entries[place] {
        let now = Clock.now
        guard now > entry.latestStart else {
          state.entries[place]?.began = now
          return (place, entry)
        }
        state.entries[place]?.giveUp(Failure(.late, "the frame's turn came after its deadline"))
        state.counts.late += 1
        finish(place, &state)
      }
      return nil
    }
    if let (place, entry) = next {
      var failure: Failure?
      do throws(Failure) {
        try session.useWhenFree { (group) throws(Failure) in try score(group, entry.frame, entry.results) }
      } catch {
        failure = error
      }
      state.withLock { state in
        state.entries[place]?.ended = Clock.now
        state.entries[place]?.failure = failure
        if failure == nil { state.counts.scored += 1 } else { state.counts.failed += 1 }
        finish(place, &state)
      }
    }
    return state.withLock { !$0.isClosing }
  }
}

private func queueMain(_ queue: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let queue { Unmanaged<ScoringQueue>.fromOpaque(queue).takeUnretainedValue().serve() }
  return nil
}
