import Basics

/// Checks the files that a command is going to write, so that it fails before the work rather than after it.
enum OutputPaths {
  /// Fails for files that cannot be written, and for those that would replace another output or an input.
  static func check(_ outputs: [String], inputs: [String] = []) throws(Failure) {
    var known: [FileIdentity: String] = [:]
    for input in inputs { if let identity = FileIdentity(input) { known[identity] = "the command reads it" } }
    for path in outputs {
      try checkWritable(path)
      guard let identity = FileIdentity(output: path) else { continue }
      if let reason = known.updateValue("two outputs are the same file", forKey: identity) {
        throw Failure(.invalidArgument, "\(path): it would be replaced, but \(reason); choose another name")
      }
    }
  }

  private static func checkWritable(_ path: String) throws(Failure) {
    guard !path.isEmpty else { throw Failure(.invalidArgument, "the name of an output is empty") }
    var status = stat()
    if stat(path.pathBytes, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw Failure(.io, "\(path): it cannot be written: it is a folder")
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw Failure(.io, "\(path): it cannot be written: it is no regular file")
      }
    } else if path.hasSuffix("/") {
      throw Failure(.io, "\(path): it cannot be written: it is the name of a folder")
    }
    _ = try AtomicFile(of: path)
  }
}
