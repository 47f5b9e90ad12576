import Basics
import Glibc
import HDF5

/// Files on the disk.
package enum Disk {
  /// A regular file, to be read. What fails in reading it does not name it.
  package static func open(_ path: String) throws(Failure) -> any ReadableFile {
    try FileReplacement.checkPath(path)
    // Without O_NONBLOCK, opening a named pipe waits for a writer.
    let descriptor = Glibc.open(path.pathBytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Failure(errno: "opened").within(path) }
    var status = stat()
    let isExamined = fstat(descriptor, &status) == 0
    let file = OpenFile(descriptor, count: Int(status.st_size))
    guard isExamined else { throw Failure(errno: "examined").within(path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): it is not a regular file") }
    return file
  }

  /// A path without symbolic links; nil when there is nothing.
  static func realPath(_ path: String) -> String? {
    guard let real = realpath(path.pathBytes, nil) else { return nil }
    defer { free(real) }
    return String(path: real)
  }

  /// Makes `bytes` the contents of a file, and tidies up beside it. Whatever fails, the old file stays as it was and nothing
  /// else remains.
  package static func replace(_ path: String, with bytes: UnsafeRawBufferPointer) throws(Failure) {
    let replacement = try FileReplacement(of: path)
    replacement.removeLeftovers()
    try replacement.write(bytes)
  }
}

/// A file of the disk as it was opened: one that takes its name later does not matter.
private final class OpenFile: ReadableFile {
  let count: Int
  private let descriptor: Int32

  /// Takes the descriptor over.
  init(_ descriptor: Int32, count: Int) { (self.descriptor, self.count) = (descriptor, count) }

  deinit { close(descriptor) }

  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(errno: "read") }
      guard count > 0 else { throw Failure(.io, "it was cut while it was read") }
      done += count
    }
  }
}
