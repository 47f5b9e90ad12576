import Synchronization

/// A file that gets new contents, whole or not at all: they are written beside it and renamed.
///
/// The file that a symbolic link leads to is replaced, not the link, and keeps its mode, and its owner where the system allows
/// that. Only a regular file is ever replaced.
package struct AtomicFile {
  /// Where the links on the way end.
  package let target: String
  /// What is there; nil for nothing yet.
  private let old: stat?

  /// Says what can be known before the bytes are there. Fails with `.io` when something else than a regular file is in the
  /// place, the links lead nowhere, or the folder cannot be written to.
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

  /// Whatever fails, with `.io`, the old file stays as it was and nothing else remains.
  ///
  /// - Parameter outlastsPowerFailure: false for files that are soon made again: it takes time to wait for the disk.
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

  /// Makes `bytes` the contents of a file, and tidies up beside it; fails as ``init(of:)`` and
  /// ``write(_:outlastsPowerFailure:)`` do.
  package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(Failure) {
    let file = try AtomicFile(of: path)
    file.removeLeftovers()
    try file.write(bytes)
  }

  /// Removes what processes that died while they wrote left beside the file.
  package func removeLeftovers() { TemporaryFile.removeLeftovers(in: Self.folder(of: target)) }

  /// Fails with `.invalidArgument` for what no file can be called.
  package static func checkPath(_ path: String) throws(Failure) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw Failure(.invalidArgument, "a path is empty or contains NUL")
    }
  }

  /// The folder of a file, with a slash at its end.
  package static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
  }

  /// The new name is on the disk once the folder is; where that cannot be asked for, so be it.
  private static func syncFolder(_ folder: String) {
    let directory = open(folder.pathBytes, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  /// As many as Linux follows.
  private static let maximumLinkCount = 40

  /// Where a path leads; there need be nothing.
  private static func followLinks(_ path: String) throws(Failure) -> String {
    // What is no file at all, such as /dev/stdout, has links that no name belongs to.
    var status = stat()
    if stat(path.pathBytes, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return path }
    var path = path
    for _ in 0..<maximumLinkCount {
      guard let link = try linkTarget(of: path) else { return path }
      path = link.hasPrefix("/") ? link : folder(of: path) + link
    }
    throw Failure(.io, "its symbolic links go round in a circle")
  }

  /// What a symbolic link says; nil for anything else.
  private static func linkTarget(of path: String) throws(Failure) -> String? {
    let bytes = try Buffer<UInt8>(count: Int(PATH_MAX), isBrief: true)
    let count = bytes.base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
      readlink(path.pathBytes, $0, bytes.count)
    }
    if count < 0 { return nil }
    return String(path: Array(UnsafeBufferPointer(start: bytes.base, count: count)))
  }
}

/// A file that is being written. Its lock says that its process is alive.
private final class TemporaryFile {
  private let path: String
  private let descriptor: Int32
  private var isRenamed = false

  private static let prefix = ".cflowad-"
  private static let suffix = ".tmp"
  private static let counter = Atomic<Int>(0)

  init(in folder: String) throws(Failure) {
    // A name can be taken by what a dead process of the same number left, and a file by who tidies up before it is locked.
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

  /// Mode, and owner where that is allowed, of the file that it will replace.
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

  /// A process in another container may be alive though its number is not known here: its lock tells.
  private static func removeUnlessLocked(_ path: String) {
    let descriptor = open(path.pathBytes, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path.pathBytes) }
    close(descriptor)
  }
}

extension Failure {
  /// An `.io` failure of what the system refused, by `errno`.
  package init(errno what: String) {
    let reason = strerror(Basics.errno).map { String(cString: $0) } ?? "error \(Basics.errno)"
    self.init(.io, "it cannot be \(what): \(reason)")
  }
}
