import Basics
import Glibc
import HDF5
import Synchronization

/// Files on the disk.
package enum Disk {
  /// A regular file, to be read. What fails in reading it does not name it.
  package static func open(_ path: String) throws(Failure) -> any ReadableFile {
    try checkPath(path)
    // Without O_NONBLOCK, opening a named pipe waits for a writer.
    let descriptor = Glibc.open(path.pathBytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("opened", path) }
    var status = stat()
    let isExamined = fstat(descriptor, &status) == 0
    let file = OpenFile(descriptor, count: Int(status.st_size))
    guard isExamined else { throw failure("examined", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.io, "\(path): it is not a regular file") }
    return file
  }

  /// The folder of a file, with a slash at its end.
  package static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./" }

  /// Makes `bytes` the contents of a file. Whatever fails, the old file stays as it was and nothing else remains.
  package static func replace(_ path: String, with bytes: UnsafeRawBufferPointer) throws(Failure) {
    try checkPath(path)
    let folder = folder(of: path)
    let (file, temporary) = try createTemporary(in: folder)
    do throws(Failure) {
      defer { close(file) }
      try write(bytes, to: file, temporary)
      guard fsync(file) == 0 else { throw failure("written to the disk", temporary) }
    } catch {
      unlink(temporary.pathBytes)
      throw error
    }
    guard rename(temporary.pathBytes, path.pathBytes) == 0 else {
      let error = failure("replaced", path)
      unlink(temporary.pathBytes)
      throw error
    }
    // The new name outlives a power failure once the folder is on the disk; where that cannot be asked for, so be it.
    let directory = Glibc.open(folder.pathBytes, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  private static let counter = Atomic<Int>(0)

  private static func createTemporary(in folder: String) throws(Failure) -> (file: Int32, path: String) {
    // A name can be taken by what a crashed process of the same number left behind.
    for _ in 0..<1000 {
      let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
      let path = "\(folder).cflowad-\(getpid())-\(number).tmp"
      let file = Glibc.open(path.pathBytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if file >= 0 { return (file, path) }
      guard errno == EEXIST else { throw failure("created", path) }
    }
    throw Failure(.io, "\(folder): it is full of temporary files")
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, _ path: String) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("written", path) }
      done += count
    }
  }

  private static func checkPath(_ path: String) throws(Failure) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw Failure(.invalidArgument, "a path is empty or contains NUL")
    }
  }

  private static func failure(_ what: String, _ path: String) -> Failure { failure(what).within(path) }

  fileprivate static func failure(_ what: String) -> Failure {
    let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    return Failure(.io, "it cannot be \(what): \(reason)")
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
      guard count >= 0 else { throw Disk.failure("read") }
      guard count > 0 else { throw Failure(.io, "it was cut while it was read") }
      done += count
    }
  }
}
