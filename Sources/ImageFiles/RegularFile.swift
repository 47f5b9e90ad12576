import Basics
import Glibc

/// An open file that has a size: no pipe, which would wait, and no folder.
package final class RegularFile {
  package let path: String
  /// Bytes when it was opened.
  package let size: Int
  private let descriptor: Int32

  /// Fails with `.io`.
  package init(path: String) throws(Failure) {
    guard !path.utf8.contains(0) else { throw Failure(.io, "a path holds a NUL character") }
    // A pipe must not be waited for: it is refused below.
    let descriptor = open(path.pathBytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Failure(.io, "\(path): \(Self.reason)") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(.io, "\(path): not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// The next bytes, fewer at the end of the file. Fails with `.io`, and with `.outOfMemory` when they do not fit.
  package func read(upTo count: Int) throws(Failure) -> [UInt8] {
    let count = min(count, size)
    // An array that cannot be allocated ends the process: ask first.
    let buffer = try Buffer<UInt8>(count: count)
    return Array(UnsafeBufferPointer(start: buffer.base, count: try read(upTo: count, into: buffer.base)))
  }

  /// The same into memory; returns how many.
  package func read(upTo count: Int, into bytes: UnsafeMutablePointer<UInt8>) throws(Failure) -> Int {
    var done = 0
    while done < count {
      let read = Glibc.read(descriptor, bytes + done, count - done)
      if read < 0, errno == EINTR { continue }
      guard read >= 0 else { throw Failure(.io, "\(path): \(Self.reason)") }
      if read == 0 { break }
      done += read
    }
    return done
  }

  /// Goes to a place, in bytes from the beginning.
  package func seek(to offset: Int) throws(Failure) {
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw Failure(.io, "\(path): \(Self.reason)") }
  }

  private static var reason: String { strerror(errno).map { String(cString: $0) } ?? "error \(errno)" }
}
