import Basics
import Glibc

/// A tensor's values where they lie in a file's bytes: float32 in the machine's byte order, in runs, row-major. The
/// pages that hold nothing else are given back with the object.
final class StoredFloats: StoredValues {
  let count: Int
  private let file: FileBytes
  private let runs: [Range<Int>]
  /// The bytes from the first run to the last, which are no one else's.
  private let extent: Range<Int>

  /// - Parameters:
  ///   - runs: of whole values, within the file.
  ///   - extent: contains the runs.
  init(file: FileBytes, runs: [Range<Int>], extent: Range<Int>) {
    self.file = file
    self.runs = runs
    self.extent = extent
    count = runs.reduce(0) { $0 + $1.count } / MemoryLayout<Float>.stride
  }

  deinit { file.discard(extent) }

  func copy(to memory: UnsafeMutablePointer<Float>) {
    guard let start = file.buffer.baseAddress else { return }
    var target = UnsafeMutableRawPointer(memory)
    for run in runs {
      memcpy(target, start + run.lowerBound, run.count)
      target += run.count
    }
  }
}
