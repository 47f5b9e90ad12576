import CProcessor
import Basics
import Synchronization

/// A job, which lives on the stack of the thread that posted it.
struct Job {
  let parts: Int
  /// How many threads may work on it at most, because there is scratch memory for as many.
  let workers: Int
  let context: UnsafeRawPointer
  let body: Workers.Body
}

/// Holds one job at a time for threads to share, and lets them wait for the next.
final class JobSlot: @unchecked Sendable {
  /// Bit 0: the job is open; above: how many threads work on it. A thread that wakes too late finds it closed, so that nobody
  /// waits for it.
  private let state = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let nextGuest = Atomic<Int>(0)
  /// The number of threads that sleep until a job comes.
  private let waiting = Atomic<Int>(0)
  let isClosing = Atomic<Bool>(false)
  /// Written while no job is open and nobody works on one.
  private var job: Job?
  private let bands: PartBands
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Rounds of active waiting before a thread sleeps: some tens of microseconds.
  private static let spinLimit = 2000

  /// - Parameter bands: one for each of the most threads that share a job.
  init(_ bands: consuming PartBands) {
    self.bands = bands
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
    bands.deal(job.parts)
    nextGuest.store(0, ordering: .relaxed)
    state.store(1, ordering: .releasing)
    generation.add(1, ordering: .sequentiallyConsistent)
    if waiting.load(ordering: .sequentiallyConsistent) > 0 { wakeAll() }
  }

  /// Closes the job and waits for those who work on it.
  func finish() {
    state.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
    var rounds = 0
    while state.load(ordering: .acquiring) != 0 {
      cflowad_processor_pause()
      rounds += 1
      // It sleeps rather than yields, because a caller of real-time priority would never yield to a thread of ordinary priority.
      if rounds > Self.spinLimit { usleep(20) }
    }
  }

  func work(as worker: Int) {
    guard let job else { return }
    while let part = bands.next(for: worker) { job.body(job.context, part, worker) }
  }

  /// Works on one job after the other until the slot closes.
  func serve(as worker: Int) {
    var seen = 0
    while wait(after: &seen) { join(as: worker) }
  }

  /// Works on the open job, if there still is one.
  func join(as worker: Int) {
    guard enter() else { return }
    work(as: worker)
    state.subtract(2, ordering: .releasing)
  }

  /// Lets a thread of the host work on the open job, under the next free number. When the host sends more threads than it was asked
  /// for, those that find no number have nothing to do.
  func joinAsGuest() {
    guard enter() else { return }
    let worker = nextGuest.add(1, ordering: .relaxed).oldValue
    if let job, worker < job.workers { work(as: worker) }
    state.subtract(2, ordering: .releasing)
  }

  private func enter() -> Bool {
    var current = state.load(ordering: .relaxed)
    while current & 1 != 0 {
      let (exchanged, original) = state.weakCompareExchange(
        expected: current, desired: current + 2, successOrdering: .acquiring, failureOrdering: .relaxed)
      if exchanged { return true }
      current = original
    }
    return false
  }

  /// Waits for a job after the `seen` one; false when the slot closes.
  private func wait(after seen: inout Int) -> Bool {
    for _ in 0..<Self.spinLimit {
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
    waiting.add(1, ordering: .sequentiallyConsistent)
    defer { waiting.subtract(1, ordering: .sequentiallyConsistent) }
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
