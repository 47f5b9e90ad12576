import CReserve

/// Fails with `.outOfMemory` unless there is memory for an array of so many elements. An array ends the process when it
/// gets no memory, so that this is called before an array is made whose size comes from a model, a frame or a caller.
/// Should the memory be gone again by then, the reserve (`CReserve.h`) supplies it.
package func checkMemory<Element>(for count: Int, of type: Element.Type) throws(Failure) {
  guard let size = checkedProduct([max(count, 0), MemoryLayout<Element>.stride]),
    let memory = creserve_allocate_strictly(16, max(size, 1))
  else { throw Failure(.outOfMemory, "there is no memory for the values of an array") }
  free(memory)
}

/// Fails with `.bufferTooSmall` when a caller's array is too small for its values.
package func checkCapacity(_ capacity: Int, holds needed: Int, _ name: StaticString) throws(Failure) {
  // size_t is unsigned: SIZE_MAX, "no limit", arrives as -1.
  guard UInt(bitPattern: capacity) >= UInt(bitPattern: needed) else {
    throw Failure(.bufferTooSmall, "\(name) has room for \(capacity) elements where \(needed) are needed")
  }
}
