import Basics
import Foundation
import Testing

@Suite struct AtomicFileTests {
  /// A folder of its own for a test, removed with the object.
  private final class Folder {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("cflowad-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: self[name]))
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: self[name], encoding: .utf8) }

    func mode(_ name: String) -> mode_t {
      var status = stat()
      return lstat(self[name], &status) == 0 ? status.st_mode : 0
    }
  }

  private func replace(_ path: String, with text: String) throws(Failure) {
    let replacement = try AtomicFile(of: path)
    replacement.removeLeftovers()
    let bytes = Array(text.utf8)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try replacement.write(UnsafeRawBufferPointer(copy))
  }

  private func kind(_ path: String) -> Failure.Kind? {
    do throws(Failure) {
      try replace(path, with: "new")
      return nil
    } catch { return error.kind }
  }

  @Test func aFileKeepsItsMode() throws {
    let folder = try Folder()
    try folder.write("old", to: "secret")
    for mode: mode_t in [0o600, 0o640, 0o400, 0o777] {
      chmod(folder["secret"], mode)
      try replace(folder["secret"], with: "new \(mode)")
      #expect(folder.mode("secret") == S_IFREG | mode)
      #expect(try folder.text("secret") == "new \(mode)")
    }
    let mask = umask(0o027)
    defer { umask(mask) }
    try replace(folder["fresh"], with: "new")
    #expect(folder.mode("fresh") == S_IFREG | 0o640)
    #expect(try folder.names == ["fresh", "secret"])
  }

  @Test func whatALinkLeadsToIsReplaced() throws {
    let folder = try Folder()
    for name in ["store", "deploy"] { mkdir(folder[name], 0o700) }
    try folder.write("old", to: "store/v1")
    symlink("v1", folder["store/current"])
    symlink("../store/current", folder["deploy/relative"])
    symlink(folder["store/v1"], folder["deploy/absolute"])
    symlink("../store/v2", folder["deploy/dangling"])
    for link in ["relative", "absolute"] {
      try replace(folder["deploy/\(link)"], with: "by \(link)")
      #expect(try folder.text("store/v1") == "by \(link)")
    }
    try replace(folder["deploy/dangling"], with: "made")
    #expect(try folder.text("store/v2") == "made")
    for link in ["store/current", "deploy/relative", "deploy/absolute", "deploy/dangling"] {
      #expect(folder.mode(link) & S_IFMT == S_IFLNK)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder["store"]).sorted() == ["current", "v1", "v2"])
  }

  @Test func onlyRegularFilesAreReplaced() throws {
    let folder = try Folder()
    mkfifo(folder["pipe"], 0o600)
    mkdir(folder["inner"], 0o700)
    symlink("pipe", folder["link"])
    symlink("round", folder["round"])
    for name in ["pipe", "inner", "link", "round", "absent/file"] {
      let before = folder.mode(name)
      #expect(kind(folder[name]) == .io, "\(name)")
      #expect(folder.mode(name) == before)
    }
    #expect(kind("/dev/null") == .io)
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    #expect(kind("") == .invalidArgument && kind("a\0b") == .invalidArgument)
    #expect(try folder.names == ["inner", "link", "pipe", "round"])
  }

  @Test func whatDeadProcessesLeftIsRemoved() throws {
    let folder = try Folder()
    let dead = Process()
    dead.executableURL = URL(fileURLWithPath: "/bin/true")
    try dead.run()
    dead.waitUntilExit()
    let kept = [
      // Of a process that lives, of this one while it writes, and names of others.
      ".cflowad-\(getppid())-1.tmp", ".cflowad-\(getpid())-999999.tmp", ".cflowad-x-1.tmp",
      ".cflowad-\(dead.processIdentifier).tmp",
      "cflowad-\(dead.processIdentifier)-1.tmp", ".cflowad-\(dead.processIdentifier)-1.h5",
      // Of another container's process, which has a number that is not known here.
      ".cflowad-\(dead.processIdentifier)-3.tmp",
    ]
    let removed = [".cflowad-\(dead.processIdentifier)-1.tmp", ".cflowad-\(getpid())-999998.tmp"]
    for name in kept + removed { try folder.write("part", to: name) }
    let locked = [kept[1], kept[6]].map { open(folder[$0], O_RDONLY) }
    defer { for file in locked { close(file) } }
    for file in locked { #expect(flock(file, LOCK_EX) == 0) }
    try replace(folder["file"], with: "new")
    #expect(try folder.names == (kept + ["file"]).sorted())
  }
}
