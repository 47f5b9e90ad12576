import Basics
import CProcess
import CProcessor
import Kernels

/// Threads that share out the parts of one job at a time with the thread that asks for it: their own, or the host's.
///
/// Each thread has a band of the parts (``PartBands``), but may take any; what a part computes must not depend on it. Own threads
/// block all signals, so that the host's handlers run on the host's threads. Between jobs they wait actively for some
/// microseconds, as the next layer follows at once, and then sleep.
package final class Workers {
  /// Threads in all, the calling one included.
  package let count: Int
  private let slot: JobSlot
  private var threads: [pthread_t] = []
  /// The process that has the threads: a child of it has none.
  private let generation = cflowad_process_generation()
  private let host: HostThreads?

  /// A part of a job: what to work on, which part, and the number of the thread, 0..<count, for scratch memory.
  package typealias Body = @convention(c) (_ context: UnsafeRawPointer, _ part: Int, _ worker: Int) -> Void

  /// Largest number of threads.
  package static let maximumCount = 256

  /// Processors that the calling thread may run on, but no more than are paid for by the quota of the control groups: more
  /// threads would make a frame wait for the quota's next period.
  package static var processorCount: Int {
    let count = min(Int(cflowad_processor_count()), maximumCount)
    guard let quota = ProcessorQuota().processors, quota < Double(count) else { return count }
    return max(Int(quota), 1)
  }

  /// Uses the host's threads instead of own ones, at most `count` at the same time. Fails with `.outOfMemory`.
  package init(count: Int, host: HostThreads) throws(Failure) {
    self.count = Self.checked(count)
    self.host = host
    slot = JobSlot(try PartBands(count: self.count))
  }

  /// - Parameter count: 0 for one thread per processor.
  /// Fails with `.outOfMemory` when a thread cannot be started. Fails too when `CFLOWAD_KERNELS` names a build that cannot
  /// run; this is checked here because every computation first makes workers, if only to prepare weights.
  package init(count: Int) throws(Failure) {
    try Kernels.checkChoice()
    self.count = Self.checked(count)
    host = nil
    slot = JobSlot(try PartBands(count: self.count))
    try withSignalsBlocked { () throws(Failure) in
      for number in 1..<self.count {
        let entry = Unmanaged.passRetained(Entry(slot: slot, number: number))
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
  }

  deinit { close() }

  private static func checked(_ count: Int) -> Int {
    count == 0 ? processorCount : min(max(count, 1), maximumCount)
  }

  private func close() {
    guard isAtHome else { return }
    slot.isClosing.store(true, ordering: .releasing)
    slot.wakeAll()
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  /// Whether this process has the threads. In a child of a fork the calling thread is alone.
  private var isAtHome: Bool { generation == cflowad_process_generation() }

  /// Computes all parts of a job and returns when they are done.
  package func run(parts: Int, context: UnsafeRawPointer, body: Body) {
    guard count > 1, parts > 1, host != nil || isAtHome else {
      for part in 0..<parts { body(context, part, 0) }
      return
    }
    slot.post(Job(parts: parts, workers: count, context: context, body: body))
    if let host {
      host.serve(slot, count: min(count, parts))
      slot.finish()
      // Computes what the host left undone, if it did not call.
      slot.work(as: 0)
    } else {
      slot.work(as: 0)
      slot.finish()
    }
  }
}

private final class Entry {
  let slot: JobSlot
  let number: Int

  init(slot: JobSlot, number: Int) {
    self.slot = slot
    self.number = number
  }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let entry = Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue()
  // A thread begins with its creator's mode.
  FloatMode.inDefault { entry.slot.serve(as: entry.number) }
  return nil
}
