import Glibc

/// Memory in whole pages of the system's, zeroed, which goes back to the system at once: large pieces from `malloc` may
/// stay with the process after they were freed.
package enum Pages {
  /// nil when there is no such amount of memory.
  package static func map(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { return nil }
    // Where the system can: fewer pages to fill at first and to look up at every use.
    madvise(start, byteCount, MADV_HUGEPAGE)
    return start
  }

  package static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) { munmap(start, byteCount) }

  /// Gives back the pages that hold nothing but bytes of `range`, which nobody reads any more.
  package static func discard(_ range: Range<Int>, of start: UnsafeMutableRawPointer) {
    let page = Int(getpagesize())
    let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
    if first < end { madvise(start + first, end - first, MADV_DONTNEED) }
  }
}
