import Basics
import Glibc
import ModelFile

/// A file of text that a command writes.
enum TextFile {
  /// Says before the work rather than after it that the folder is missing or closed.
  static func check(_ path: String) throws(Failure) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(folder.pathBytes, W_OK | X_OK) == 0 else {
      let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
      throw Failure(.io, "\(path): it cannot be written: \(reason)")
    }
  }

  /// Replaces the file, whole or not at all.
  static func write(_ text: String, to path: String) throws(Failure) {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(Failure) in try Disk.replace(path, with: UnsafeRawBufferPointer(bytes)) }
    }
    try result.get()
  }
}
