import Basics

/// The bytes of a file that was built in memory.
package final class FileBytes: @unchecked Sendable {
  package let buffer: UnsafeMutableRawBufferPointer

  /// Bytes from `malloc`.
  init(adopting start: UnsafeMutableRawPointer, count: Int) {
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit { free(buffer.baseAddress) }
}
