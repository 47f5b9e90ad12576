import Basics
import Glibc

/// A file's bytes in memory: filled by their maker, then only read.
package final class FileBytes: @unchecked Sendable {
  package let buffer: UnsafeMutableRawBufferPointer
  /// Pages, of which some can be given back; else from `malloc`.
  private let isMapped: Bool

  /// Zeros, for the maker to fill. nil when there is no such amount of memory.
  package init?(count: Int) {
    // An empty file still has an address.
    guard let start = Pages.map(byteCount: max(count, 1)) else { return nil }
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    isMapped = true
  }

  init(adopting start: UnsafeMutableRawPointer, count: Int) {
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    isMapped = false
  }

  deinit {
    guard let start = buffer.baseAddress else { return }
    if isMapped { Pages.unmap(start, byteCount: max(buffer.count, 1)) } else { free(start) }
  }

  /// Gives the memory of bytes back that nobody reads any more.
  func discard(_ range: Range<Int>) {
    if isMapped, let start = buffer.baseAddress { Pages.discard(range, of: start) }
  }
}
