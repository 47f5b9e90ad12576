import Basics
import CHDF5Shim

/// Reads and builds HDF5 files without paths. libhdf5 does not touch the file system, so that its file locks and drivers that
/// the environment chooses do not matter, and a file that is replaced or truncated while it is read does no harm.
package enum FileImage {
  /// Opens a file for reading and passes its root group to `body`. No group or dataset may outlive the call; tensors
  /// may, and keep the file open.
  ///
  /// - Throws: `.format` when it is not an HDF5 file or a damaged one, `.unsupported` when libhdf5 at run time is not
  ///   the one compiled against, `.outOfMemory`; what the file's `read` throws.
  package static func read<Result>(
    _ file: any ReadableFile, _ body: (Group) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try checkVersion()
    _ = chdf5_met_shortage()
    let source = try Source(file)
    guard source.bytes(at: 0, count: signature.count)?.elementsEqual(signature) ?? false else {
      throw source.failure ?? Failure(.format, "it is not an HDF5 file")
    }
    // Code here that reads without libhdf5 needs addresses and sizes of 64 bits, which all HDF5 programs write.
    let widths = source.unsigned(8, 1).flatMap { source.unsigned($0 < 2 ? 13 : 9, 2) }
    guard widths == 0x0808 else {
      throw Failure(.format, "the HDF5 file is damaged, or its addresses have not 64 bits")
    }
    guard source.hasSoundSuperblock else {
      throw source.failure ?? Failure(.format, "the HDF5 file's root group is damaged, or cut off")
    }
    do throws(Failure) {
      guard let handle = open(source) else { throw Failure(.format, "the HDF5 file is damaged or cut short") }
      return try withExtendedLifetime((handle, source)) { () throws(Failure) -> Result in
        try body(Group(root: handle, source: source))
      }
    } catch {
      if chdf5_met_shortage() != 0 { throw Failure(.outOfMemory, "there is no memory to read the HDF5 file") }
      chdf5_expect_leak()
      throw source.failure ?? error
    }
  }

  /// The source must outlive the handle.
  private static func open(_ source: Source) -> Handle? {
    Handle(
      chdf5_open_file(
        UInt64(source.file.count),
        { context, address, size, buffer in
          guard let context, let buffer else { return -1 }
          let source = Unmanaged<Source>.fromOpaque(context).takeUnretainedValue()
          guard let bytes = source.bytes(at: address, count: size) else { return -1 }
          UnsafeMutableRawBufferPointer(start: buffer, count: size).copyMemory(from: bytes)
          return 0
        }, Unmanaged.passUnretained(source).toOpaque()))
  }

  /// Creates a file in memory, lets `body` fill its root group, and returns its bytes.
  ///
  /// - Parameter expectedSize: the rough size of its values in bytes.
  package static func build(
    expectedSize: Int, _ body: (GroupWriter) throws(Failure) -> Void
  ) throws(Failure) -> FileBytes {
    try checkVersion()
    let image = UnsafeMutablePointer<chdf5_image>.allocate(capacity: 1)
    image.initialize(to: chdf5_image())
    defer { image.deallocate() }

    // Adds room for descriptions of the values, and for checksums.
    let id = chdf5_create_image(expectedSize + expectedSize / 8 + (1 << 22), image)
    var failure: Failure? = id < 0 ? outOfMemory : nil
    if failure == nil {
      do throws(Failure) {
        try body(GroupWriter(root: id))
      } catch { failure = error }
      if chdf5_finish_image(id, image) < 0 { failure = failure ?? outOfMemory }
    }
    let bytes = image.pointee.bytes.map { FileBytes(adopting: $0, count: image.pointee.size) }
    if let failure { throw failure }
    guard let bytes else { throw outOfMemory }
    return bytes
  }

  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  private static var outOfMemory: Failure { Failure(.outOfMemory, "the HDF5 file cannot be built in memory") }

  private static func checkVersion() throws(Failure) {
    guard chdf5_check_version() == 0 else {
      let description = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { text in
        chdf5_describe_library(text.baseAddress, text.count)
        return text.baseAddress.map { String(cString: $0) } ?? ""
      }
      throw Failure(.unsupported, "the HDF5 library that this process has loaded does not fit: \(description)")
    }
  }
}
