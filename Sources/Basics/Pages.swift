/// Zeroed memory in whole pages, which returns to the system as soon as it is freed. Large pieces from `malloc` may
/// stay with the process.
package enum Pages {
  /// Nil when there is not enough memory.
  ///
  /// - Parameter isSparse: only some of it will be touched, and the rest must take no memory: no huge pages.
  package static func map(byteCount: Int, isSparse: Bool = false) -> UnsafeMutableRawPointer? {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | (isSparse ? MAP_NORESERVE : 0)
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
      return nil
    }
    // Huge pages, where the system has them, are fewer to zero and to look up.
    if !isSparse { madvise(start, byteCount, MADV_HUGEPAGE) }
    return start
  }

  /// The byte count rounded up to whole pages.
  package static func rounded(_ byteCount: Int) -> Int {
    let page = Int(getpagesize())
    return (byteCount + page - 1) / page * page
  }

  package static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) { munmap(start, byteCount) }
}
