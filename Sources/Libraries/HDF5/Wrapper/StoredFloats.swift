import Basics

/// A tensor's values in a file: float32 in the machine's byte order, in runs, row-major.
final class StoredFloats: StoredValues {
  /// Contiguous values in the file, by their bytes.
  struct Run: Sendable {
    let values: Range<Int>
    /// The bytes behind them in their chunk that are no values, followed by the checksum of the whole chunk; nil when
    /// there is no checksum.
    let padding: Int?
  }

  let count: Int
  fileprivate let path: String
  fileprivate let file: any ReadableFile
  fileprivate let runs: [Run]
  private let knownSums = Locked<WordSums?>(nil)

  /// - Parameter runs: runs within the file, of whole values.
  init(path: String, file: any ReadableFile, runs: [Run]) {
    (self.path, self.file, self.runs) = (path, file, runs)
    count = runs.reduce(0) { $0 + $1.values.count } / MemoryLayout<Float>.stride
  }

  func reader() -> any ValueReader { Reader(self) }

  var sums: WordSums? { knownSums.withLock { $0 } }

  fileprivate func remember(_ sums: WordSums) { knownSums.withLock { $0 = sums } }
}

private final class Reader: ValueReader {
  private let stored: StoredFloats
  private var run = 0
  /// How many bytes of the run were read.
  private var done = 0
  /// The checksums of the run, and of all values so far.
  private var runSums = WordSums()
  private var sums = WordSums()

  init(_ stored: StoredFloats) { self.stored = stored }

  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure) {
    var target = UnsafeMutableRawPointer(memory)
    var rest = count * MemoryLayout<Float>.stride
    while rest > 0 {
      guard run < stored.runs.count else { throw Failure(.format, "\(stored.path): it ends too early") }
      let values = stored.runs[run].values
      let part = UnsafeMutableRawBufferPointer(start: target, count: min(rest, values.count - done))
      try stored.file.read(at: values.lowerBound + done, into: part)
      runSums.add(UnsafeRawBufferPointer(part))
      target += part.count
      rest -= part.count
      done += part.count
      if done == values.count { try finishRun() }
    }
  }

  private func finishRun() throws(Failure) {
    sums.append(runSums)
    if let padding = stored.runs[run].padding {
      let end = stored.runs[run].values.upperBound
      let rest = try Buffer<UInt8>(count: padding + 4, isBrief: true)
      try stored.file.read(at: end, into: UnsafeMutableRawBufferPointer(start: rest.base, count: rest.count))
      runSums.add(UnsafeRawBufferPointer(start: rest.base, count: padding))
      let checksum = UInt32(littleEndian: UnsafeRawPointer(rest.base + padding).loadUnaligned(as: UInt32.self))
      guard checksum == runSums.fletcher32 else {
        throw Failure(.format, "\(stored.path): its values are damaged")
      }
    }
    (run, done, runSums) = (run + 1, 0, WordSums())
    if run == stored.runs.count { stored.remember(sums) }
  }
}
