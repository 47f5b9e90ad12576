import CReserve

/// Owned memory, zeroed unless said otherwise, aligned to 64 bytes (a cache line, the widest vector). Without memory an
/// array ends the process; a buffer throws.
package final class Buffer<Element: BitwiseCopyable> {
  package let base: UnsafeMutablePointer<Element>
  package let count: Int
  package var byteCount: Int { count * MemoryLayout<Element>.stride }

  /// Bytes of the pages that the memory lies in; 0 when it came from `malloc`.
  private let mappedByteCount: Int

  /// From this size on zeroed memory is mapped.
  private static var smallestMappedByteCount: Int { 1 << 17 }

  /// Fails with `.outOfMemory`; a count of 0 is allowed.
  ///
  /// - Parameter isBrief: for memory that is soon freed: it is not zeroed, and always comes from `malloc`.
  package init(count: Int, isBrief: Bool = false) throws(Failure) {
    guard let bytes = checkedProduct([max(count, 1), MemoryLayout<Element>.stride]), count >= 0 else {
      throw Self.failure
    }
    mappedByteCount = isBrief || bytes < Self.smallestMappedByteCount ? 0 : bytes
    let memory = mappedByteCount > 0 ? Pages.map(byteCount: bytes) : creserve_allocate_strictly(64, bytes)
    guard let raw = memory else { throw Self.failure }
    if mappedByteCount == 0, !isBrief { memset(raw, 0, bytes) }
    self.base = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { if mappedByteCount > 0 { Pages.unmap(base, byteCount: mappedByteCount) } else { free(base) } }

  /// Its message is a constant, which needs no memory.
  private static var failure: Failure { Failure(.outOfMemory, "there is no memory for the numbers of this request") }
}
