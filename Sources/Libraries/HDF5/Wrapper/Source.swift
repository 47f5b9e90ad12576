import Basics

/// The bytes that are being read, and what reading them may still take.
final class Source {
  let file: FileBytes
  /// What a small file may not exceed by huge extents, unwritten chunks, or links that give one dataset many names.
  private(set) var allowance: Int
  /// Bytes that a tensor has for its own, in order.
  private var claimed: [Range<Int>] = []

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(file.buffer) }

  /// 16 times the file's size, for float16, integers and good compression, and 1 MiB.
  init(_ file: FileBytes) {
    self.file = file
    let (sixteenfold, overflow) = file.buffer.count.multipliedReportingOverflow(by: 16)
    allowance = overflow ? .max / 2 : min(sixteenfold, .max / 2) + (1 << 20)
  }

  func take(_ count: Int, for path: String) throws(Failure) {
    guard count <= allowance else {
      throw Failure(.format, "\(path): its size is out of proportion to the file's")
    }
    allowance -= count
  }

  /// Whether nobody had a part of these bytes before: a tensor that has may discard them when it is no longer needed.
  func claim(_ range: Range<Int>) -> Bool {
    var (low, high) = (0, claimed.count)
    while low < high {
      let middle = (low + high) / 2
      if claimed[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    if low > 0, claimed[low - 1].upperBound > range.lowerBound { return false }
    if low < claimed.count, claimed[low].lowerBound < range.upperBound { return false }
    claimed.insert(range, at: low)
    return true
  }
}
