import Basics
import CPNGShim

/// PNG files, by libpng.
package enum PNG {
  /// The largest width and height.
  package static let maximumSide = 65535
}

extension Failure {
  /// The failure that libpng or the system reported while `what` was done.
  init(_ status: cpng_status, _ message: cpng_message, _ what: String) {
    let kind: Failure.Kind =
      switch status {
      case CPNG_IO: .io
      case CPNG_MEMORY: .outOfMemory
      default: .format
      }
    let text = withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    self.init(kind, "\(what): \(text)")
  }
}
