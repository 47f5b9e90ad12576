import Basics
import Synchronization

/// Handles Ctrl-C while a command runs. The first one asks the command to stop at the next opportunity, the second one
/// ends the process.
enum Interrupt {
  private static let isRequested = Atomic(false)

  /// Makes Ctrl-C a request from now on.
  static func listen() {
    // The flag must exist before the handler runs, since a signal handler must not initialise it.
    isRequested.store(false, ordering: .relaxed)
    signal(SIGINT) { _ in
      Interrupt.isRequested.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
    // The signal may be blocked, since children inherit a parent's mask.
    var interrupt = sigset_t()
    sigemptyset(&interrupt)
    sigaddset(&interrupt, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &interrupt, nil)
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
