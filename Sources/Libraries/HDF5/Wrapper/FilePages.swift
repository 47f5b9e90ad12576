import Basics

/// The pages of a file that were needed so far. A page is read once and kept, so that bytes that were checked do not
/// change, whatever happens to the file.
final class FilePages {
  private let file: any ReadableFile
  private let memory: UnsafeMutableRawPointer
  private let isLoaded: Buffer<Bool>

  private static let pageSize = 4096

  init(_ file: any ReadableFile) throws(Failure) {
    isLoaded = try Buffer(count: file.count / Self.pageSize + 1)
    // An empty file still has an address.
    guard let memory = Pages.map(byteCount: max(file.count, 1), isSparse: true) else {
      throw Failure(.outOfMemory, "there is no memory for a file of \(file.count) bytes")
    }
    self.file = file
    self.memory = memory
  }

  deinit { Pages.unmap(memory, byteCount: max(file.count, 1)) }

  /// Bytes of the file, valid as long as this object; nil beyond the end of the file.
  func load(at offset: UInt64, count: Int) throws(Failure) -> UnsafeRawBufferPointer? {
    guard let start = Int(exactly: offset), start <= file.count, (0...file.count - start).contains(count) else {
      return nil
    }
    if count > 0 {
      for page in start / Self.pageSize...(start + count - 1) / Self.pageSize where !isLoaded.base[page] {
        let first = page * Self.pageSize
        let length = min(Self.pageSize, file.count - first)
        try file.read(at: first, into: UnsafeMutableRawBufferPointer(start: memory + first, count: length))
        isLoaded.base[page] = true
      }
    }
    return UnsafeRawBufferPointer(start: memory + start, count: count)
  }
}
