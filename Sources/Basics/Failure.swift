/// The one error type of the library: what kind of failure, and a sentence for the person who has to mend it.
///
/// The cases of ``Kind`` are the `CFLOWAD_ERROR_` constants of the C header, with the same numbers.
package struct Failure: Error {
  package enum Kind: Int32, Sendable {
    case invalidArgument = 1
    case invalidHandle = 2
    case structSize = 3
    case bufferTooSmall = 4
    case io = 5
    case format = 6
    case unsupported = 7
    case notCalibrated = 8
    case busy = 9
    case cancelled = 10
    case diverged = 11
    case outOfMemory = 12
    case state = 13
    case full = 14
    case timeout = 15
    case late = 16
    case mismatch = 17
    case noSelfTest = 18
  }

  package let kind: Kind
  /// One English sentence without a line end.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The same failure, its message preceded by the place where it happened.
  package func within(_ place: String) -> Failure { Failure(kind, "\(place): \(message)") }
}

/// Fails with `.invalidArgument` when a value is not within a range, as NaN never is.
package func checkRange<Value: Comparable>(
  _ name: String, _ value: Value, within range: ClosedRange<Value>
) throws(Failure) {
  guard range.contains(value) else { throw Failure(.invalidArgument, "\(name) \(value) is not within \(range)") }
}
