import CReserve

/// Fails with `.outOfMemory` unless there is memory for an array of so many elements. An array that cannot be had ends the
/// process: one whose size a model, a frame or a caller decides is asked for first. What goes between question and array
/// is for the reserve (`CReserve.h`) to bridge.
package func checkMemory<Element>(for count: Int, of type: Element.Type) throws(Failure) {
  guard let size = checkedProduct([max(count, 0), MemoryLayout<Element>.stride]),
    let memory = creserve_allocate_strictly(16, max(size, 1))
  else { throw Failure(.outOfMemory, "there is no memory for the values of an array") }
  free(memory)
}

/// Fails with `.bufferTooSmall` when a caller's array is too small for what it shall receive.
package func checkCapacity(_ capacity: Int, holds needed: Int, _ name: StaticString) throws(Failure) {
  // size_t is unsigned: SIZE_MAX, "no limit", arrives as -1.
  guard UInt(bitPattern: capacity) >= UInt(bitPattern: needed) else {
    throw Failure(.bufferTooSmall, "\(name) has room for \(capacity) elements where \(needed) are needed")
  }
}
