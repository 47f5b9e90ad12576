/// An object that one call at a time may use: a second call is refused instead of waiting or corrupting. The object can
/// be exchanged at any time: a running call keeps the one that it began with, and the next call takes the new one.
package final class Exclusive<Object: AnyObject>: @unchecked Sendable {
  private struct State {
    var object: Object
    var isInUse = false
    /// Takes over when the running call has ended.
    var next: Object?
    /// The replaced object of a call that has just ended. It is released outside the call, whose caller does not pay for it.
    var retired: Object?
  }

  private let state: Locked<State>
  private let name: StaticString
  /// One exchange at a time.
  private let exchanging = Locked(())

  /// - Parameter name: what failures call the object.
  package init(_ object: Object, name: StaticString) {
    state = Locked(State(object: object))
    self.name = name
  }

  /// The object that the next call will use. Only its constants may be read here, since no call is begun.
  package var latest: Object { state.withLock { $0.next ?? $0.object } }

  /// Runs a call. Fails with `.busy` when another one runs.
  package func use(_ body: (Object) throws(Failure) -> Void) throws(Failure) {
    guard let object = state.withLock({ Self.begin(&$0) }) else {
      throw Failure(.busy, "the \(name) is in use by another call")
    }
    try run(object, body)
  }

  /// Runs a call as soon as no other one runs.
  package func useWhenFree(_ body: (Object) throws(Failure) -> Void) throws(Failure) {
    while true {
      if let object = state.wait(seconds: 3600, { Self.begin(&$0) }) { return try run(object, body) }
    }
  }

  private static func begin(_ state: inout State) -> Object? {
    guard !state.isInUse else { return nil }
    state.isInUse = true
    return state.object
  }

  private func run(_ object: Object, _ body: (Object) throws(Failure) -> Void) throws(Failure) {
    defer {
      state.withLock { state in
        state.isInUse = false
        if let next = state.next.take() { (state.retired, state.object) = (state.object, next) }
      }
      state.wake()
    }
    try body(object)
  }

  /// Replaces the latest object by one that is made from it, on this thread and while calls run. The old object is
  /// released on this thread too, as soon as the call that uses it has ended. When that takes longer than a second, the
  /// next exchange or `deinit` releases it.
  package func exchange(_ make: (_ latest: Object) throws(Failure) -> Object) throws(Failure) {
    try exchanging.withLock { _ throws(Failure) in
      let new = try make(state.withLock { $0.next ?? $0.object })
      // Releases the objects outside the lock, when these variables go out of scope.
      let (unused, isInUse) = state.withLock { state -> ([Object?], Bool) in
        let unused = [state.retired.take(), state.isInUse ? state.next : state.object]
        if state.isInUse { state.next = new } else { state.object = new }
        return (unused, state.isInUse)
      }
      withExtendedLifetime(unused) {}
      guard isInUse else { return }
      withExtendedLifetime(state.wait(seconds: 1) { $0.retired.take() }) {}
    }
  }
}
