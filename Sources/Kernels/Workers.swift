import Basics
import CProcessor
import Glibc
import Synchronization

/// Threads that share out the parts of one job at a time with the thread that asks for it.
///
/// Which thread computes a part is left to chance; what a part computes must not depend on it. The threads block all
/// signals, so that the host's handlers run on the host's threads. Between jobs they wait actively for some
/// microseconds, as the next layer follows at once, and then sleep.
package final class Workers {
  /// Threads in all, the calling one included.
  package let count: Int
  private let room: Room
  private var threads: [pthread_t] = []

  /// A part of a job: what to work on, which part, and the number of the thread, 0..<count, for scratch memory.
  package typealias Body = @convention(c) (_ context: UnsafeRawPointer, _ part: Int, _ worker: Int) -> Void

  /// Largest number of threads.
  package static let maximumCount = 256

  /// Processors that the calling thread may run on.
  package static var processorCount: Int { min(Int(cflowad_processor_count()), maximumCount) }

  /// Fails with `.outOfMemory` when a thread cannot be started.
  package init(count: Int) throws(Failure) {
    self.count = min(max(count, 1), Self.maximumCount)
    room = Room()
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    for number in 1..<max(self.count, 1) {
      let entry = Unmanaged.passRetained(Entry(room: room, number: number))
      var thread = pthread_t()
      let status = pthread_create(&thread, nil, workerMain, entry.toOpaque())
      guard status == 0 else {
        entry.release()
        close()
        throw Failure(.outOfMemory, "thread \(number) of \(count) cannot be started (error \(status))")
      }
      threads.append(thread)
    }
  }

  deinit { close() }

  private func close() {
    room.isClosing.store(true, ordering: .releasing)
    room.wakeAll()
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  /// Computes all parts of a job and returns when they are done.
  package func run(parts: Int, context: UnsafeRawPointer, body: Body) {
    guard !threads.isEmpty, parts > 1 else {
      for part in 0..<parts { body(context, part, 0) }
      return
    }
    room.post(Job(parts: parts, context: context, body: body))
    room.work(as: 0)
    room.finish()
  }
}

/// A job, which lives on the stack of the thread that posted it.
private struct Job {
  let parts: Int
  let context: UnsafeRawPointer
  let body: Workers.Body
}

/// Where jobs are posted and the threads meet.
private final class Room: @unchecked Sendable {
  /// Bit 0: a job is open; above: how many threads are in it. A thread that comes too late finds it closed, so that
  /// nobody waits for a sleeper.
  private let door = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let nextPart = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  let isClosing = Atomic<Bool>(false)
  /// Written while the door is closed and nobody is inside.
  private var job: Job?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Rounds of active waiting, some tens of microseconds.
  private static let patience = 2000

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  func post(_ job: Job) {
    self.job = job
    nextPart.store(0, ordering: .relaxed)
    door.store(1, ordering: .releasing)
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }
  }

  /// Closes the door and waits for those inside.
  func finish() {
    door.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
    var rounds = 0
    while door.load(ordering: .acquiring) != 0 {
      cflowad_processor_pause()
      rounds += 1
      // Sleeping, not yielding: a caller of real-time priority would never yield to a thread of ordinary priority.
      if rounds > Self.patience { usleep(20) }
    }
  }

  func work(as worker: Int) {
    guard let job else { return }
    while true {
      let part = nextPart.add(1, ordering: .relaxed).oldValue
      guard part < job.parts else { return }
      job.body(job.context, part, worker)
    }
  }

  /// A thread's life: from job to job until the room closes.
  func serve(as worker: Int) {
    var seen = 0
    while wait(after: &seen) {
      guard enter() else { continue }
      work(as: worker)
      door.subtract(2, ordering: .releasing)
    }
  }

  private func enter() -> Bool {
    var current = door.load(ordering: .relaxed)
    while current & 1 != 0 {
      let (exchanged, original) = door.weakCompareExchange(
        expected: current, desired: current + 2, successOrdering: .acquiring, failureOrdering: .relaxed)
      if exchanged { return true }
      current = original
    }
    return false
  }

  /// Waits for a job after the `seen` one; false when the room closes.
  private func wait(after seen: inout Int) -> Bool {
    for _ in 0..<Self.patience {
      let current = generation.load(ordering: .acquiring)
      if current != seen {
        seen = current
        return true
      }
      if isClosing.load(ordering: .acquiring) { return false }
      cflowad_processor_pause()
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while generation.load(ordering: .sequentiallyConsistent) == seen {
      if isClosing.load(ordering: .acquiring) { return false }
      pthread_cond_wait(condition, mutex)
    }
    seen = generation.load(ordering: .acquiring)
    return true
  }

  func wakeAll() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}

private final class Entry {
  let room: Room
  let number: Int

  init(room: Room, number: Int) {
    self.room = room
    self.number = number
  }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let entry = Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue()
  // A thread begins with its creator's mode.
  _ = cflowad_processor_enter_default_float_mode()
  entry.room.serve(as: entry.number)
  return nil
}
