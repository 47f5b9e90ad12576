import Basics
import Glibc

/// A file's bytes in memory: filled by their maker, then only read.
package final class FileBytes: ReadableFile, @unchecked Sendable {
  package let buffer: UnsafeMutableRawBufferPointer
  package var count: Int { buffer.count }

  /// A copy. Fails with `.outOfMemory`.
  package init(copying bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard let start = malloc(max(bytes.count, 1)) else {
      throw Failure(.outOfMemory, "there is no memory for a copy of \(bytes.count) bytes")
    }
    buffer = UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
    buffer.copyMemory(from: bytes)
  }

  /// Bytes from `malloc`.
  init(adopting start: UnsafeMutableRawPointer, count: Int) {
    buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit { free(buffer.baseAddress) }

  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + target.count]))
  }
}
