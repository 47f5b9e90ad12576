import Basics

/// A file of text that a command writes.
enum TextFile {
  /// Replaces the file, whole or not at all.
  static func write(_ text: String, to path: String) throws(Failure) {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(Failure) in try AtomicFile.write(UnsafeRawBufferPointer(bytes), to: path) }
    }
    try result.get()
  }
}
