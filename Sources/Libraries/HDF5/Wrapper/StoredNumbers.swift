import Basics

/// A tensor's values in a file, in the machine's byte order, in runs, row-major.
final class StoredNumbers: StoredValues {
  /// Contiguous values in the file, by their bytes.
  struct Run: Sendable {
    let values: Range<Int>
    /// How many bytes of padding follow the values in their chunk, before its checksum; nil if the chunk has no checksum.
    let padding: Int?
  }

  let count: Int
  let format: NumberFormat
  fileprivate let path: String
  fileprivate let file: any ReadableFile
  fileprivate let runs: [Run]
  private let knownSums = Locked<WordSums?>(nil)

  /// - Parameter runs: runs within the file, of whole values.
  init(_ format: NumberFormat, path: String, file: any ReadableFile, runs: [Run]) {
    (self.format, self.path, self.file, self.runs) = (format, path, file, runs)
    count = runs.reduce(0) { $0 + $1.values.count } / format.byteCount
  }

  func reader() -> any ValueReader { Reader(self) }

  var sums: WordSums? { knownSums.withLock { $0 } }

  fileprivate func remember(_ sums: WordSums) { knownSums.withLock { $0 = sums } }
}

private final class Reader: ValueReader {
  private let stored: StoredNumbers
  private var run = 0
  /// How many bytes of the run were read.
  private var done = 0
  /// The checksums of the run, and of all values so far.
  private var runSums = WordSums()
  private var sums = WordSums()
  /// Whether a run begins in the middle of a word, so that all values need sums of their own.
  private let hasHalves: Bool
  /// The integers that were read last; nil until some are read.
  private var bytes: Buffer<UInt8>?

  /// How many integers are read at a time.
  private static let integersAtOnce = 1 << 14

  init(_ stored: StoredNumbers) {
    self.stored = stored
    hasHalves = stored.runs.dropLast().contains { $0.values.count % 2 == 1 }
  }

  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure) {
    guard stored.format != .float32 else {
      return try read(UnsafeMutableRawBufferPointer(start: memory, count: count * MemoryLayout<Float>.stride))
    }
    try forEachPart(of: count) { place, part, bytes in
      switch stored.format {
      case .int8: for i in 0..<part { memory[place &+ i] = Float(Int8(bitPattern: bytes[i])) }
      case .uint8: for i in 0..<part { memory[place &+ i] = Float(bytes[i]) }
      default:
        let words = UnsafeRawPointer(bytes).assumingMemoryBound(to: Int16.self)
        for i in 0..<part { memory[place &+ i] = Float(words[i]) }
      }
    }
  }

  func readIntegers(_ count: Int, into memory: UnsafeMutablePointer<Int16>) throws(Failure) {
    switch stored.format {
    case .float32: throw Failure(.format, "\(stored.path): its values are not stored as integers")
    case .int16: try read(UnsafeMutableRawBufferPointer(start: memory, count: count * MemoryLayout<Int16>.stride))
    case .int8:
      try forEachPart(of: count) { place, part, bytes in
        for i in 0..<part { memory[place &+ i] = Int16(Int8(bitPattern: bytes[i])) }
      }
    case .uint8:
      try forEachPart(of: count) { place, part, bytes in for i in 0..<part { memory[place &+ i] = Int16(bytes[i]) } }
    }
  }

  /// Reads the bytes of `count` integers part by part.
  @inline(__always)
  private func forEachPart(
    of count: Int, _ body: (_ place: Int, _ part: Int, _ bytes: UnsafePointer<UInt8>) -> Void
  ) throws(Failure) {
    let width = stored.format.byteCount
    let memory: Buffer<UInt8>
    if let bytes {
      memory = bytes
    } else {
      memory = try Buffer(count: min(stored.count, Self.integersAtOnce) * width, isBrief: true)
      bytes = memory
    }
    for place in stride(from: 0, to: count, by: Self.integersAtOnce) {
      let part = min(count - place, Self.integersAtOnce)
      guard part * width <= memory.count else { throw Failure(.format, "\(stored.path): it ends too early") }
      try read(UnsafeMutableRawBufferPointer(start: memory.base, count: part * width))
      body(place, part, UnsafePointer(memory.base))
    }
  }

  private func read(_ memory: UnsafeMutableRawBufferPointer) throws(Failure) {
    var rest = memory
    while !rest.isEmpty {
      guard run < stored.runs.count else { throw Failure(.format, "\(stored.path): it ends too early") }
      let values = stored.runs[run].values
      let part = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(values.count - done))
      try stored.file.read(at: values.lowerBound + done, into: part)
      runSums.add(UnsafeRawBufferPointer(part))
      if hasHalves { sums.add(UnsafeRawBufferPointer(part)) }
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[part.count...])
      done += part.count
      if done == values.count { try finishRun() }
    }
  }

  private func finishRun() throws(Failure) {
    if !hasHalves { sums.append(runSums.completed) }
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
    if run == stored.runs.count { stored.remember(sums.completed) }
  }
}
