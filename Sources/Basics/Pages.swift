/// Memory in whole pages of the system's, zeroed, which goes back to the system at once: large pieces from `malloc` may
/// stay with the process after they were freed.
package enum Pages {
  /// nil when there is no such amount of memory.
  ///
  /// - Parameter isSparse: only some of it will be used: the rest must cost nothing.
  package static func map(byteCount: Int, isSparse: Bool = false) -> UnsafeMutableRawPointer? {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | (isSparse ? MAP_NORESERVE : 0)
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
      return nil
    }
    // Where the system can: fewer pages to fill at first and to look up at every use.
    if !isSparse { madvise(start, byteCount, MADV_HUGEPAGE) }
    return start
  }

  /// So many bytes, up to the end of the last page.
  package static func rounded(_ byteCount: Int) -> Int {
    let page = Int(getpagesize())
    return (byteCount + page - 1) / page * page
  }

  package static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) { munmap(start, byteCount) }
}
