import Basics

/// The file that is being read, and how much memory reading it may still take.
final class Source {
  let file: any ReadableFile
  private let pages: FilePages
  /// The bytes that values may still take, so that a small file cannot ask for much memory by huge extents, unwritten
  /// chunks, or many links to one dataset.
  private(set) var allowance: Int
  /// Why some bytes could not be read.
  private(set) var failure: Failure?

  /// The allowance is 16 times the file's size, for float16, integers and good compression, and 1 MiB.
  init(_ file: any ReadableFile) throws(Failure) {
    self.file = file
    pages = try FilePages(file)
    let (sixteenfold, overflow) = file.count.multipliedReportingOverflow(by: 16)
    allowance = overflow ? .max / 2 : min(sixteenfold, .max / 2) + (1 << 20)
  }

  func take(_ count: Int, for path: String) throws(Failure) {
    guard count <= allowance else {
      throw Failure(.format, "\(path): its size is out of proportion to the file's")
    }
    allowance -= count
  }

  /// Bytes of the file, valid as long as this lives; nil when they are not there, or cannot be read.
  func bytes(at offset: UInt64, count: Int) -> UnsafeRawBufferPointer? {
    do throws(Failure) { return try pages.load(at: offset, count: count) } catch {
      failure = error
      return nil
    }
  }
}
