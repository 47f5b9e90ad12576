import Basics

/// Where lines go: results to standard output, everything else to standard error.
enum Output {
  /// Writes a line of results without buffering, so that a program at the other end of a pipe receives it. Fails with `.io`.
  static func line(_ text: String) throws(Failure) {
    guard write(text + "\n", to: STDOUT_FILENO) else {
      let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
      throw Failure(.io, "standard output cannot be written: \(reason)")
    }
  }

  /// Writes a message in one line.
  static func note(_ text: String) { _ = write("cflowad: \(text)\n", to: STDERR_FILENO) }

  /// Writes to standard error without a prefix.
  static func status(_ text: String) { _ = write(text, to: STDERR_FILENO) }

  /// Whether a person reads what goes to standard output.
  static var isResultTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Whether a person reads what goes to standard error.
  static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private static func write(_ text: String, to file: Int32) -> Bool {
    var text = text.shown
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Basics.write(file, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
      return true
    }
  }
}
