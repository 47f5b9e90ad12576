import Basics
import ImageFiles

/// Where frames come from while a page is shown.
protocol FrameSource {
  /// What it is, for people.
  var text: String { get }

  /// What people see a frame called.
  func name(of path: String) -> String

  /// Frames that have come since the last call; waits a little where there are none.
  mutating func next() -> FoundFrames
}

struct FoundFrames {
  /// In the order in which they are to be scored.
  var paths: [String] = []
  /// Why the source gives none now; nil when all is well.
  var trouble: String?
}

/// The images of a folder, and those that appear in it. It is looked at again and again: the network shares that cameras write to
/// tell of no changes.
struct WatchedFolder: FrameSource {
  private let folder: Folder
  /// How many frames of one look are given at most, the newest ones.
  private let limit: Int
  /// The files as they were at the last look.
  private var seen: [String: Stamp] = [:]
  /// What was given of each file.
  private var given: [String: Stamp] = [:]
  private var isFirst = true

  /// From the end of one look to the next, at least.
  private static let pause = Duration.milliseconds(300)
  /// A file that has not changed for so long is not being written any more, in seconds.
  private static let quietTime = 2.0

  /// What changes when a file does.
  private struct Stamp: Equatable {
    let size: Int
    let time: Double
    let inode: UInt
  }

  /// Fails with `.io` when there is no such folder.
  init(_ path: String, limit: Int) throws(Failure) {
    folder = Folder(path)
    self.limit = limit
    guard folder.exists else { throw Failure(.io, "\(path): there is no such folder") }
    _ = try folder.images
  }

  var text: String { "folder \(folder.path)" }

  func name(of path: String) -> String { String(path.dropFirst(folder.file("").count)) }

  mutating func next() -> FoundFrames {
    let clock = ContinuousClock()
    let start = clock.now
    var found = FoundFrames()
    do throws(Failure) { found.paths = try look() } catch { found.trouble = error.message.shown }
    // A large folder on a slow share is looked at a tenth of the time at most.
    if found.paths.isEmpty { rest(max(Self.pause, (clock.now - start) * 10)) }
    return found
  }

  private mutating func look() throws(Failure) -> [String] {
    let now = Self.now
    var files: [String: Stamp] = [:]
    for name in try folder.images { if let stamp = Self.stamp(folder.file(name)) { files[name] = stamp } }
    let ready = files.filter { name, stamp in
      // A file that is being written changes from look to look.
      given[name] != stamp && (seen[name] == stamp || isFirst && now - stamp.time > Self.quietTime)
    }.sorted { ($0.value.time, $0.key) < ($1.value.time, $1.key) }
    given = given.filter { files[$0.key] != nil }.merging(ready) { $1 }
    seen = files
    isFirst = false
    return ready.suffix(limit).map { folder.file($0.key) }
  }

  private func rest(_ time: Duration) {
    let clock = ContinuousClock()
    let end = clock.now + time
    while clock.now < end, !Interrupt.isPending { usleep(20_000) }
  }

  private static func stamp(_ path: String) -> Stamp? {
    var status = stat()
    guard stat(path.pathBytes, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Stamp(
      size: Int(status.st_size), time: Double(status.st_mtim.tv_sec) + 1e-9 * Double(status.st_mtim.tv_nsec),
      inode: UInt(status.st_ino))
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}

/// Frames whose paths come on standard input, one a line.
struct ListedFrames: FrameSource {
  private var rest: [UInt8] = []
  private var isAtEnd = false

  /// Longer lines are no paths.
  private static let longestLine = 1 << 14

  var text: String { "standard input" }

  func name(of path: String) -> String { path }

  mutating func next() -> FoundFrames {
    guard !isAtEnd else {
      usleep(100_000)
      return FoundFrames()
    }
    // Ctrl-C ends a wait, not a read.
    var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&input, 1, 100) > 0 else { return FoundFrames() }
    var bytes = [UInt8](repeating: 0, count: 1 << 12)
    let count = read(STDIN_FILENO, &bytes, bytes.count)
    if count < 0, errno == EINTR || errno == EAGAIN { return FoundFrames() }
    isAtEnd = count <= 0
    rest += bytes.prefix(max(count, 0))
    var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    rest = isAtEnd ? [] : Array(lines.popLast() ?? [])
    guard rest.count <= Self.longestLine else {
      isAtEnd = true
      return FoundFrames(trouble: "a line of standard input is no path; it is not read any further")
    }
    let paths = lines.map { line in line.last == UInt8(ascii: "\r") ? line.dropLast() : line }
    return FoundFrames(paths: paths.filter { !$0.isEmpty }.map { String(path: Array($0)) })
  }
}
