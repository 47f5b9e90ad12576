import Basics

/// A file that several threads can read at any place at the same time.
package protocol ReadableFile: AnyObject, Sendable {
  var count: Int { get }
  /// Fills the buffer with the bytes from `offset` on, which lie within ``count``. Fails with `.io`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure)
}

extension RegularFile: ReadableFile {}

/// A file's bytes in the caller's memory, which must outlive the object.
package final class BorrowedBytes: ReadableFile, @unchecked Sendable {
  private let bytes: UnsafeRawBufferPointer
  package var count: Int { bytes.count }

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + buffer.count]))
  }
}
