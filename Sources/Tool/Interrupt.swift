import Basics
import Synchronization

/// Ctrl-C while a command runs: the first asks it to stop at the next opportunity, the second ends the process.
enum Interrupt {
  private static let isRequested = Atomic(false)

  /// From now on Ctrl-C is a request.
  static func listen() {
    // The flag must exist before the handler runs: making it is not for a signal handler.
    isRequested.store(false, ordering: .relaxed)
    signal(SIGINT) { _ in
      Interrupt.isRequested.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
    // A parent's threads may have blocked the signal, and children inherit that.
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

  /// Runs work that Ctrl-C stops, by ``check()`` or a progress handler; the failure then says what it leaves.
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
