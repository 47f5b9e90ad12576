import Basics
import Synchronization

/// An object that one thread at a time may use: a second call is refused instead of waiting or corrupting.
final class Exclusive<Object: AnyObject>: @unchecked Sendable {
  private let object: Object
  private let name: StaticString
  private let isBusy = Atomic(false)

  init(_ object: Object, name: StaticString) {
    self.object = object
    self.name = name
  }

  func use(_ body: (Object) throws(Failure) -> Void) throws(Failure) {
    guard !isBusy.exchange(true, ordering: .acquiring) else {
      throw Failure(.busy, "the \(name) is in use by another call")
    }
    defer { isBusy.store(false, ordering: .releasing) }
    try body(object)
  }
}
