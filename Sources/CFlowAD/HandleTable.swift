import Basics

/// The objects behind one kind of handle. A handle is a number disguised as a pointer, never an address. It is made of an index
/// in the table, the number of times that this entry was used before, and the kind. Closed handles, handles of another kind and
/// made-up ones are thus recognised, and an object lives until the last call that uses it has returned.
final class HandleTable<Object: AnyObject & Sendable>: Sendable {
  private struct Slot {
    var generation: UInt
    var object: Object?
  }

  private struct State {
    var slots: [Slot] = []
    var free: [Int] = []
  }

  /// 4 bits, not 0, which differ for each kind.
  private let kind: UInt
  /// What the kind is called in messages, e.g. "model".
  private let name: String
  private let state = Locked(State())

  private static var maximumCount: Int { 1 << 16 }
  /// It is far from 0, so that no small number is a handle.
  private static var firstGeneration: UInt { 0x5_c0de }

  init(kind: UInt, name: String) {
    self.kind = kind
    self.name = name
  }

  func insert(_ object: Object) throws(Failure) -> OpaquePointer {
    let handle = state.withLock { state -> OpaquePointer? in
      guard let index = state.free.popLast() ?? (state.slots.count < Self.maximumCount ? state.slots.count : nil) else {
        return nil
      }
      if index == state.slots.count { state.slots.append(Slot(generation: Self.firstGeneration, object: nil)) }
      state.slots[index].object = object
      return OpaquePointer(bitPattern: state.slots[index].generation << 20 | UInt(index) << 4 | kind)
    }
    guard let handle else { throw Failure(.outOfMemory, "there are \(Self.maximumCount) open \(name) handles already") }
    return handle
  }

  /// The object of an open handle.
  func object(_ handle: OpaquePointer?) throws(Failure) -> Object {
    guard let handle else { throw Failure(.invalidArgument, "the \(name) handle is NULL") }
    let object = state.withLock { state in index(handle, state).flatMap { state.slots[$0].object } }
    guard let object else { throw invalid }
    return object
  }

  /// Closes a handle; NULL is ignored.
  func remove(_ handle: OpaquePointer?) throws(Failure) {
    guard let handle else { return }
    // The object is released outside the lock, since freeing it may take long.
    let object = state.withLock { state -> Object? in
      guard let index = index(handle, state) else { return nil }
      let object = state.slots[index].object
      state.slots[index].object = nil
      state.slots[index].generation = (state.slots[index].generation + 1) & (1 << 40 - 1)
      state.free.append(index)
      return object
    }
    guard object != nil else { throw invalid }
  }

  private var invalid: Failure { Failure(.invalidHandle, "this is not an open \(name) handle") }

  private func index(_ handle: OpaquePointer, _ state: borrowing State) -> Int? {
    let bits = UInt(bitPattern: handle)
    let index = Int(bits >> 4 & 0xffff)
    guard bits & 15 == kind, index < state.slots.count, state.slots[index].generation == bits >> 20,
      state.slots[index].object != nil
    else { return nil }
    return index
  }
}
