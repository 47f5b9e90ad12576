import Basics
import CFlowADHeader
import CLastError
import CProcess
import Execution

/// The message of the last failed call on the calling thread.
enum LastError {
  static var message: UnsafePointer<CChar> { UnsafePointer(cflowad_last_error_buffer()) }

  /// Stores the message in the thread's own buffer, cut between two characters if it is too long.
  static func set(_ message: String) {
    let buffer = cflowad_last_error_buffer()
    var length = 0
    for scalar in message.shown.unicodeScalars {
      let bytes = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      guard length + bytes.count < Int(CFLOWAD_LAST_ERROR_CAPACITY) else { break }
      for byte in bytes {
        // A line end would break the host's log, and a NUL would end the message.
        buffer?[length] = CChar(bitPattern: byte < 0x20 ? 0x20 : byte)
        length += 1
      }
    }
    buffer?[length] = 0
  }
}

/// Runs the body of an exported function in the default floating-point mode. A failure becomes the status and the thread's message.
/// In a process that was forked during a call the body does not run, since not even Swift's runtime can be relied on there.
///
/// - Parameter function: the exported function, for the log.
func attempt(_ function: StaticString = #function, _ body: () throws(Failure) -> Void) -> cflowad_status {
  guard cflowad_process_begin_call() != 0 else {
    cflowad_last_error_set_forked()
    return cflowad_status(CFLOWAD_ERROR_STATE)
  }
  defer { cflowad_process_end_call() }
  do {
    try FloatMode.inDefault(body)
    return cflowad_status(CFLOWAD_OK)
  } catch {
    if !error.kind.isProvoked {
      // The log leaves the default mode for its receiver.
      FloatMode.inDefault { Log.write(.error, "\("\(function)".prefix { $0 != "(" }): \(error.message)") }
    }
    // After the log, whose receiver may call the library.
    LastError.set(error.message)
    return error.kind.rawValue
  }
}

/// Lets the thread wait within the body of an exported function. It does not count as a call meanwhile, so that a child of a fork
/// can use the library: no lock may be held.
func outsideOfCall(_ wait: () -> Void) {
  cflowad_process_end_call()
  wait()
  // This cannot be refused, because in the child of a fork only the thread that forked goes on, and that one does not wait here.
  _ = cflowad_process_begin_call()
}

extension Failure.Kind {
  /// Whether hosts provoke the failure on purpose, so that the log does not call it an error.
  fileprivate var isProvoked: Bool {
    switch self {
    case .busy, .bufferTooSmall, .notCalibrated, .cancelled, .full, .timeout, .late: true
    default: false
    }
  }
}
