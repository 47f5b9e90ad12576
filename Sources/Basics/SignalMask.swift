/// Runs the body with all signals blocked. Threads that it starts inherit that, so that the host's handlers run on the host's
/// threads.
package func withSignalsBlocked<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
  var all = sigset_t()
  var before = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
  return try body()
}
