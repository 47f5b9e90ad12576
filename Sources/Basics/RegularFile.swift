/// A regular file opened for reading. It stays the same file when another one takes its name. Pipes, which would make
/// the caller wait, and folders are refused. Failures of reading do not name the file.
package final class RegularFile: Sendable {
  package let path: String
  /// Its size in bytes when it was opened.
  package let count: Int
  private let descriptor: Int32

  /// Fails with `.io`, and with `.invalidArgument` for a path that no file can have; both name the path.
  package init(path: String) throws(Failure) {
    try AtomicFile.checkPath(path)
    // Without O_NONBLOCK, opening a named pipe waits for a writer.
    descriptor = open(path.pathBytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    let isExamined = descriptor >= 0 && fstat(descriptor, &status) == 0
    (self.path, count) = (path, Int(status.st_size))
    guard isExamined else { throw Failure(errno: descriptor < 0 ? "opened" : "examined").within(path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): it is not a regular file") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Fills the buffer with the bytes from `offset` on. Fails with `.io`, also when the file ends before.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    guard try readAvailable(at: offset, into: buffer) == buffer.count else {
      throw Failure(.io, "it was cut while it was read")
    }
  }

  /// Reads up to `limit` bytes from `offset` on, fewer at the end of the file. Fails with `.io` and `.outOfMemory`.
  package func read(at offset: Int = 0, upTo limit: Int = .max) throws(Failure) -> [UInt8] {
    let count = min(limit, max(count - offset, 0))
    try checkMemory(for: count, of: UInt8.self)
    var bytes = [UInt8](repeating: 0, count: count)
    let available = try bytes.withUnsafeMutableBufferPointer { bytes throws(Failure) in
      try readAvailable(at: offset, into: UnsafeMutableRawBufferPointer(bytes))
    }
    return available == count ? bytes : Array(bytes.prefix(available))
  }

  /// Reads what there is, and returns the number of bytes.
  private func readAvailable(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(errno: "read") }
      if count == 0 { break }
      done += count
    }
    return done
  }
}
