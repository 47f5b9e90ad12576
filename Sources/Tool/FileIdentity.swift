import Basics

/// The file that a path leads to through any links.
struct FileIdentity: Hashable {
  private let device: UInt
  private let number: UInt
  /// The name of a file that is not there yet, beside the numbers of its folder.
  private let name: String?

  /// Nil when there is no such file.
  init?(_ path: String) { self.init(path, name: nil) }

  /// The identity of a file that is there or could be made; nil when there is no folder for it.
  init?(output path: String) {
    if let existing = FileIdentity(path) {
      self = existing
    } else {
      self.init(AtomicFile.folder(of: path), name: path.split(separator: "/").last.map { String($0) })
    }
  }

  private init?(_ path: String, name: String?) {
    var status = stat()
    guard stat(path.pathBytes, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    number = UInt(status.st_ino)
    self.name = name
  }
}
