import Basics
import CFlowADHeader
import CLastError
import Execution
import Scoring
import Synchronization

/// The log of the process, which the host receives; nothing without its callback.
enum Log {
  /// The numbers are those of `CFLOWAD_LOG_` in the C header.
  enum Level: Int32, CaseIterable {
    case none = 0
    case error = 1
    case warning = 2
    case info = 3
    case debug = 4
  }

  private struct Receiver: @unchecked Sendable {
    let callback: cflowad_log_callback
    let user: UnsafeMutableRawPointer?
    let level: Int32
  }

  private static let receiver = Locked<Receiver?>(nil)
  /// The level that the host wants. It is read without the lock, so that calls lock nothing when nobody listens.
  private static let wanted = Atomic<Int32>(0)

  static func set(
    _ callback: cflowad_log_callback?, _ user: UnsafeMutableRawPointer?, _ level: Level
  ) {
    receiver.withLock { receiver in
      receiver = callback.map { Receiver(callback: $0, user: user, level: level.rawValue) }
      wanted.store(receiver?.level ?? 0, ordering: .relaxed)
    }
  }

  static func wants(_ level: Level) -> Bool { wanted.load(ordering: .relaxed) >= level.rawValue }

  /// Tells the host, on this thread, outside of the lock.
  static func write(_ level: Level, _ message: @autoclosure () -> String) {
    guard wants(level), let isLogging = cflowad_thread_is_logging(), isLogging.pointee == 0 else { return }
    guard let receiver = receiver.withLock({ $0 }), receiver.level >= level.rawValue else { return }
    let line = String(String.UnicodeScalarView(message().shown.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    // Calls that the receiver makes itself are not logged, because that would never end.
    isLogging.pointee = 1
    defer { isLogging.pointee = 0 }
    line.withCString { text in
      FloatMode.inHosts { receiver.callback(level.rawValue, text, receiver.user) }
    }
  }

  /// Logs that a model is ready, and what its host should know about it.
  static func opened(_ detector: Detector, _ event: @autoclosure () -> String) {
    write(.info, "\(event()): \(detector.logText)")
    guard let calibration = detector.calibration else {
      return write(.warning, "the model is not calibrated: it gives log-likelihoods, but no scores")
    }
    if calibration.triedKinds.isEmpty {
      write(.warning, "it is not known which strange frames the model passes: calibrate it anew to find out")
    } else if !calibration.passedKinds.isEmpty {
      write(
        .warning,
        "the model passes frames that it should not: \(calibration.passedKinds.map(\.rawValue).listed)")
    }
    if detector.selfTest == nil { write(.warning, "the model's file holds no self-test: it cannot be verified") }
  }
}

extension Detector {
  /// A description of the model for the log.
  var logText: String {
    (provenance["name"].map { "'\($0)', " } ?? "")
      + "\(encoderDescription.architecture) at \(preprocessing.width)x\(preprocessing.height), "
      + "\(encoderDescription.precision.rawValue), identity \(identity ?? "unknown")"
  }
}

@_cdecl("cflowad_set_log_callback") @implementation
public func cflowad_set_log_callback(
  _ callback: cflowad_log_callback?, _ user: UnsafeMutableRawPointer?, _ level: Int32
) -> cflowad_status {
  attempt { () throws(Failure) in Log.set(callback, user, try checkedConstant(level, "LOG")) }
}
