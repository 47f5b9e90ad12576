import Basics
import Synchronization

/// Handles Ctrl-C while a command runs. The first one asks the command to stop at the next opportunity, the second one
/// ends the process.
enum Interrupt {
  private static let isRequested = Atomic(false)

  /// Makes Ctrl-C a request from now on.
  ///
  /// - Parameter others: further signals that are to be the same.
  static func listen(to others: Int32...) {
    // The flag must exist before the handler runs, since a signal handler must not initialise it.
    isRequested.store(false, ordering: .relaxed)
    // The signals may be blocked, since children inherit a parent's mask.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT] + others {
      signal(number) { number in
        Interrupt.isRequested.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
      sigaddset(&signals, number)
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  static var isPending: Bool { isRequested.load(ordering: .relaxed) }

  /// Fails with `.cancelled` after Ctrl-C.
  static func check() throws(Failure) {
    if isPending { throw Failure(.cancelled, "cancelled") }
  }

  /// Runs work that Ctrl-C stops, by ``check()`` or a progress handler; the failure then says what is left behind.
  static func attempt(
    leaving remains: @autoclosure () -> String, _ work: () throws(Failure) -> Void
  ) throws(Failure) {
    do throws(Failure) {
      try work()
      try check()
    } catch {
      throw error.kind == .cancelled ? Failure(.cancelled, "cancelled; \(remains())") : error
    }
  }
}
