import Basics
import CHDF5Shim

/// Owns an identifier of libhdf5's, of any kind.
final class Handle {
  let id: chdf5_id

  /// nil when the identifier says that the call which should have given it failed.
  init?(_ id: chdf5_id) {
    guard id >= 0 else { return nil }
    self.id = id
  }

  deinit { chdf5_close(id) }
}

/// Numbers that libhdf5 reads into memory and writes to files, converting from and to other types on the way.
package protocol StoredNumber: BitwiseCopyable, Sendable {
  /// The shim's name for the type.
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

/// What is below 0 in a file is 0, what is above 255 is 255.
extension UInt8: StoredNumber {
  package static var code: Int32 { Int32(CHDF5_UINT8) }
}

/// Names gathered by libhdf5's iterations.
struct NameList {
  /// More names than this in one group are refused.
  static let maximumCount = 100_000

  private(set) var names: [String] = []

  /// Calls `iterate` with a callback and its context, and gives the names that the callback received.
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
