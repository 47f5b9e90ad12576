import Basics
import CHDF5Shim

/// Owns an identifier of libhdf5 of any kind.
final class Handle {
  let id: chdf5_id

  /// Nil when the identifier is that of a failed call.
  init?(_ id: chdf5_id) {
    guard id >= 0 else { return nil }
    self.id = id
  }

  deinit { chdf5_close(id) }
}

/// Numbers that libhdf5 reads into memory and writes to files, converting from and to other types on the way.
package protocol StoredNumber: BitwiseCopyable, Sendable {
  /// The shim's code for the type.
  static var code: Int32 { get }
}

extension Float: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_FLOAT) }
}

extension Double: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_DOUBLE) }
}

extension Int64: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_INT64) }
}

/// Values in a file below 0 become 0, and those above 255 become 255.
extension UInt8: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_UINT8) }
}

extension Int8: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_INT8) }
}

extension Int16: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_INT16) }
}

/// Collects names in libhdf5's iterations.
struct NameList {
  /// A group with more names than this is refused.
  static let maximumCount = 100_000

  private(set) var names: [String] = []

  /// Calls `iterate` with a callback and its context, and returns the names that the callback received.
  static func gather(
    at path: String, _ iterate: (chdf5_name_callback, UnsafeMutableRawPointer) -> Int32
  ) throws(Failure) -> [String] {
    var list = NameList()
    let status = withUnsafeMutablePointer(to: &list) { list in
      iterate(
        { context, name in
          guard let list = context?.assumingMemoryBound(to: NameList.self), let name,
            list.pointee.names.count < NameList.maximumCount, let text = String(validatingCString: name)
          else { return 1 }
          list.pointee.names.append(text)
          return 0
        }, UnsafeMutableRawPointer(list))
    }
    guard status == 0 else { throw Failure(.format, "\(path): it cannot be listed or is not UTF-8") }
    return list.names
  }
}
