import Glibc

/// Owned, zeroed memory aligned to 64 bytes (a cache line, the widest vector). Unlike an array it fails instead of
/// ending the process when memory cannot be had.
package final class Buffer<Element: BitwiseCopyable> {
  package let base: UnsafeMutablePointer<Element>
  package let count: Int

  /// Fails with `.outOfMemory`; a count of 0 is allowed.
  package init(count: Int) throws(Failure) {
    let bytes = checkedProduct([max(count, 1), MemoryLayout<Element>.stride])
    var raw: UnsafeMutableRawPointer?
    guard count >= 0, let bytes, posix_memalign(&raw, 64, bytes) == 0, let raw else {
      throw Failure(.outOfMemory, "no memory for \(count) elements of \(MemoryLayout<Element>.stride) bytes")
    }
    memset(raw, 0, bytes)
    self.base = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { free(base) }
}
