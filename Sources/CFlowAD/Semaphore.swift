import Basics
import CSemaphore

/// A counting semaphore, with a descriptor that is readable as long as the count is not 0.
final class Semaphore: Sendable {
  let descriptor: Int32

  /// Fails with `.outOfMemory` when there is no descriptor to be had.
  init(count: Int = 0) throws(Failure) {
    descriptor = cflowad_semaphore_create(UInt32(count))
    guard descriptor >= 0 else { throw Failure(.outOfMemory, "there is no descriptor for a queue") }
  }

  deinit { cflowad_semaphore_close(descriptor) }

  func add(_ count: Int = 1) { for _ in 0..<count { cflowad_semaphore_add(descriptor) } }

  /// Lowers the count by one, unless it is 0. Does not wait.
  func take() { cflowad_semaphore_take(descriptor) }

  /// Waits until the count is not 0 or a time has come. May return earlier.
  func wait(until time: UInt64) { cflowad_semaphore_wait(descriptor, time) }
}

/// Nanoseconds of the monotonic clock, which nobody can set.
enum Clock {
  static var now: UInt64 { cflowad_semaphore_now() }

  /// The time that many nanoseconds after another; `UInt64.max` stands for never.
  static func time(_ nanoseconds: UInt64, after start: UInt64) -> UInt64 {
    let (time, isTooLate) = start.addingReportingOverflow(nanoseconds)
    return isTooLate ? .max : time
  }
}
