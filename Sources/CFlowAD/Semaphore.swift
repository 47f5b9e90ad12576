import Basics
import CTally

/// How many there are of something that threads wait for, as a descriptor that is readable as long as it is not 0.
final class Tally: Sendable {
  let descriptor: Int32

  /// Fails with `.outOfMemory` when there is no descriptor to be had.
  init(count: Int = 0) throws(Failure) {
    descriptor = cflowad_tally_create(UInt32(count))
    guard descriptor >= 0 else { throw Failure(.outOfMemory, "there is no descriptor for a queue") }
  }

  deinit { cflowad_tally_close(descriptor) }

  func add(_ count: Int = 1) { for _ in 0..<count { cflowad_tally_add(descriptor) } }

  /// To be called when there is one.
  func take() { cflowad_tally_take(descriptor) }

  /// Waits until it is not 0 or a time has come, and perhaps not as long.
  func wait(until time: UInt64) { cflowad_tally_wait(descriptor, time) }
}

/// Nanoseconds of a clock that nobody sets.
enum Clock {
  static var now: UInt64 { cflowad_tally_now() }

  /// So many nanoseconds after a time; `UInt64.max` is never.
  static func time(_ nanoseconds: UInt64, after start: UInt64) -> UInt64 {
    let (time, isTooLate) = start.addingReportingOverflow(nanoseconds)
    return isTooLate ? .max : time
  }
}
