import CProcessor
import Glibc
import Synchronization

/// A job, which lives on the stack of the thread that posted it.
struct Job {
  let parts: Int
  /// Most threads that may work on it: for so many there is scratch memory.
  let workers: Int
  let context: UnsafeRawPointer
  let body: Workers.Body
}

/// Where jobs are posted and the threads meet.
final class WorkRoom: @unchecked Sendable {
  /// Bit 0: a job is open; above: how many threads are in it. A thread that comes too late finds it closed, so that
  /// nobody waits for a sleeper.
  private let door = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let nextPart = Atomic<Int>(0)
  private let nextGuest = Atomic<Int>(0)
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
    nextGuest.store(0, ordering: .relaxed)
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
    while wait(after: &seen) { join(as: worker) }
  }

  /// Works on the open job, if there still is one.
  func join(as worker: Int) {
    guard enter() else { return }
    work(as: worker)
    door.subtract(2, ordering: .releasing)
  }

  /// The same by a thread of the host, which gets the next number. One that comes when all are given, whatever the host
  /// takes it for, has nothing to do.
  func joinAsGuest() {
    guard enter() else { return }
    let worker = nextGuest.add(1, ordering: .relaxed).oldValue
    if let job, worker < job.workers { work(as: worker) }
    door.subtract(2, ordering: .releasing)
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
