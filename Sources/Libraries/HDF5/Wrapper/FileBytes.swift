import Glibc

/// A file's bytes in memory: filled by their maker, then only read.
package final class FileBytes: @unchecked Sendable {
  package let buffer: UnsafeMutableRawBufferPointer
  /// Whole pages of the system's, of which some can be given back; else from `malloc`.
  private let isMapped: Bool

  /// Zeros, for the maker to fill. nil when there is no such amount of memory.
  package init?(count: Int) {
    // An empty file still has an address.
    let length = max(count, 1)
    guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { return nil }
    madvise(start, length, MADV_HUGEPAGE)
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    isMapped = true
  }

  init(adopting start: UnsafeMutableRawPointer, count: Int) {
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    isMapped = false
  }

  deinit {
    if isMapped { munmap(buffer.baseAddress, max(buffer.count, 1)) } else { free(buffer.baseAddress) }
  }

  /// Gives the memory of bytes back that nobody reads any more.
  func discard(_ range: Range<Int>) {
    guard isMapped, let start = buffer.baseAddress else { return }
    // The pages at the ends hold other bytes too.
    let page = Int(getpagesize())
    let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
    if first < end { madvise(start + first, end - first, MADV_DONTNEED) }
  }
}
