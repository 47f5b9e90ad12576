/// An object that one call at a time may use: a second call is refused instead of waiting or corrupting. It can be exchanged
/// meanwhile: a call that runs ends with the object that it began with, the next one begins with the new one.
package final class Exclusive<Object: AnyObject>: @unchecked Sendable {
  private struct State {
    var object: Object
    var isInUse = false
    /// Takes over when the call that runs has ended.
    var next: Object?
    /// What the last call to end began with, where it was exchanged meanwhile.
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

  /// Runs a call. Fails with `.busy` when another one runs.
  package func use(_ body: (Object) throws(Failure) -> Void) throws(Failure) {
    let object = state.withLock { state -> Object? in
      guard !state.isInUse else { return nil }
      state.isInUse = true
      return state.object
    }
    guard let object else { throw Failure(.busy, "the \(name) is in use by another call") }
    defer {
      state.withLock { state in
        state.isInUse = false
        if let next = state.next.take() { (state.retired, state.object) = (state.object, next) }
      }
      state.wake()
    }
    try body(object)
  }

  /// Puts another object in the place of the latest one, which is made from it on this thread, while calls run. The old one
  /// goes on this thread too, as soon as the call that uses it has ended, a frame's time. One that takes longer than a second
  /// leaves that to the next exchange or to the end.
  package func exchange(_ make: (_ latest: Object) throws(Failure) -> Object) throws(Failure) {
    try exchanging.withLock { _ throws(Failure) in
      let new = try make(state.withLock { $0.next ?? $0.object })
      // The memory of what was taken out goes when these do, outside the lock.
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
