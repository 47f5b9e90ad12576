import Synchronization

/// A file whose contents are replaced whole or not at all: the new ones are written to a temporary file beside it,
/// which is then renamed.
///
/// The file that a symbolic link leads to is replaced, not the link, and keeps its mode, and its owner where the system
/// allows that. Only a regular file is ever replaced.
package struct AtomicFile {
  /// The path behind all symbolic links.
  package let target: String
  /// The file that is there; nil when there is none yet.
  private let old: stat?

  /// Checks all that can be known before there are bytes to write. Fails with `.io` when what is there is not a regular
  /// file, the links lead nowhere, or the folder cannot be written to.
  package init(of path: String) throws(Failure) {
    try Self.checkPath(path)
    do throws(Failure) {
      let target = try Self.followLinks(path)
      var status = stat()
      if stat(target.pathBytes, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFREG else {
          throw Failure(.io, "it cannot be replaced: it is not a regular file")
        }
        old = status
      } else {
        guard errno == ENOENT else { throw Failure(errno: "examined") }
        old = nil
      }
      guard access(Self.folder(of: target).pathBytes, W_OK | X_OK) == 0 else { throw Failure(errno: "written") }
      self.target = target
    } catch { throw error.within(path) }
  }

  /// Fails with `.io`; the old file then stays as it was, and the temporary one is removed.
  ///
  /// - Parameter outlastsPowerFailure: false for files that can be made again, to save the time of waiting for the disk.
  package func write(_ bytes: UnsafeRawBufferPointer, outlastsPowerFailure: Bool = true) throws(Failure) {
    do throws(Failure) {
      let temporary = try TemporaryFile(in: Self.folder(of: target))
      if let old { temporary.take(old) }
      try temporary.write(bytes)
      if outlastsPowerFailure { try temporary.sync() }
      try temporary.rename(to: target)
      if outlastsPowerFailure { Self.syncFolder(Self.folder(of: target)) }
    } catch { throw error.within(target) }
  }

  /// Makes `bytes` the contents of a file, and removes leftovers beside it; fails as ``init(of:)`` and
  /// ``write(_:outlastsPowerFailure:)`` do.
  package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(Failure) {
    let file = try AtomicFile(of: path)
    file.removeLeftovers()
    try file.write(bytes)
  }

  /// Removes the temporary files of processes that died while they wrote.
  package func removeLeftovers() { TemporaryFile.removeLeftovers(in: Self.folder(of: target)) }

  /// Fails with `.invalidArgument` for a path that no file can have.
  package static func checkPath(_ path: String) throws(Failure) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw Failure(.invalidArgument, "a path is empty or contains NUL")
    }
  }

  /// The folder of a file, with a slash at its end.
  package static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
  }

  /// Makes the new name outlast a power failure. Some file systems cannot sync folders, which is no reason to fail.
  private static func syncFolder(_ folder: String) {
    let directory = open(folder.pathBytes, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  /// As many symbolic links as Linux follows.
  private static let maximumLinkCount = 40

  /// The path behind all symbolic links; there need not be a file.
  private static func followLinks(_ path: String) throws(Failure) -> String {
    // /dev/stdout and the like are links to names that do not exist.
    var status = stat()
    if stat(path.pathBytes, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return path }
    var path = path
    for _ in 0..<maximumLinkCount {
      guard let link = try linkTarget(of: path) else { return path }
      path = link.hasPrefix("/") ? link : folder(of: path) + link
    }
    throw Failure(.io, "its symbolic links go round in a circle")
  }

  /// The target of a symbolic link; nil for anything else.
  private static func linkTarget(of path: String) throws(Failure) -> String? {
    let bytes = try Buffer<UInt8>(count: Int(PATH_MAX), isBrief: true)
    let count = bytes.base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
      readlink(path.pathBytes, $0, bytes.count)
    }
    if count < 0 { return nil }
    return String(path: Array(UnsafeBufferPointer(start: bytes.base, count: count)))
  }
}

/// A file that is being written. It is locked for as long as its process is alive.
private final class TemporaryFile {
  private let path: String
  private let descriptor: Int32
  private var isRenamed = false

  private static let prefix = ".cflowad-"
  private static let suffix = ".tmp"
  private static let counter = Atomic<Int>(0)

  init(in folder: String) throws(Failure) {
    // The name may be in use by a leftover of a dead process with the same number, and another process may remove the
    // new file before it is locked.
    for _ in 0..<1000 {
      let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
      let path = "\(folder)\(Self.prefix)\(getpid())-\(number)\(Self.suffix)"
      let descriptor = open(path.pathBytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor < 0 {
        guard errno == EEXIST else { throw Failure(errno: "created beside it") }
        continue
      }
      flock(descriptor, LOCK_EX | LOCK_NB)
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 {
        (self.path, self.descriptor) = (path, descriptor)
        return
      }
      close(descriptor)
    }
    throw Failure(.io, "\(folder) is full of temporary files")
  }

  deinit {
    if !isRenamed { unlink(path.pathBytes) }
    close(descriptor)
  }

  /// Takes the mode of the file that it will replace, and its owner where that is allowed.
  func take(_ old: stat) {
    fchown(descriptor, old.st_uid, old.st_gid)
    fchmod(descriptor, old.st_mode & 0o7777)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = Basics.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(errno: "written") }
      done += count
    }
  }

  func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw Failure(errno: "written to the disk") }
  }

  func rename(to target: String) throws(Failure) {
    guard Basics.rename(path.pathBytes, target.pathBytes) == 0 else { throw Failure(errno: "replaced") }
    isRenamed = true
  }

  static func removeLeftovers(in folder: String) {
    guard let directory = opendir(folder.pathBytes) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let process = process(of: name), process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        removeUnlessLocked(folder + name)
      }
    }
  }

  /// The number of the process that wrote a file of this name; nil when it is no temporary file.
  private static func process(of name: String) -> pid_t? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    let numbers = name.dropFirst(prefix.count).dropLast(suffix.count).split(separator: "-")
    guard numbers.count == 2, let process = pid_t(numbers[0]), process > 0, Int(numbers[1]) != nil else { return nil }
    return process
  }

  /// The lock decides, since the number of a process in another container means nothing here.
  private static func removeUnlessLocked(_ path: String) {
    let descriptor = open(path.pathBytes, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path.pathBytes) }
    close(descriptor)
  }
}

extension Failure {
  /// An `.io` failure that gives the system's reason, from `errno`.
  package init(errno what: String) {
    let reason = strerror(Basics.errno).map { String(cString: $0) } ?? "error \(Basics.errno)"
    self.init(.io, "it cannot be \(what): \(reason)")
  }
}
