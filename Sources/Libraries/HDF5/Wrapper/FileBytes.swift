import Basics

/// A file's bytes as they were built in memory.
package final class FileBytes: @unchecked Sendable {
  package let buffer: UnsafeMutableRawBufferPointer

  /// Bytes from `malloc`.
  init(adopting start: UnsafeMutableRawPointer, count: Int) {
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit { free(buffer.baseAddress) }
}
