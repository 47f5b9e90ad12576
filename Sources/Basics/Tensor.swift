/// Numbers in PyTorch's layout: row-major, the last axis fastest. They are in memory, or still in a file.
package struct Tensor: Sendable {
  package let shape: [Int]
  private let storage: Storage

  private enum Storage {
    case array([Float])
    case int8([Int8])
    case int16([Int16])
    case stored(any StoredValues)
  }

  /// Fails when the number of values is not the product of the shape, or the product does not fit.
  package init(shape: [Int], values: [Float]) throws(Failure) {
    try self.init(shape: shape, storage: .array(values), count: values.count)
  }

  /// The same with integers, which take less memory than the same values as floats.
  package init(shape: [Int], integers: [Int8]) throws(Failure) {
    try self.init(shape: shape, storage: .int8(integers), count: integers.count)
  }

  package init(shape: [Int], integers: [Int16]) throws(Failure) {
    try self.init(shape: shape, storage: .int16(integers), count: integers.count)
  }

  /// The same with values that are read where they are needed.
  package init(shape: [Int], stored: any StoredValues) throws(Failure) {
    try self.init(shape: shape, storage: .stored(stored), count: stored.count)
  }

  private init(shape: [Int], storage: Storage, count: Int) throws(Failure) {
    guard checkedProduct(shape) == count else {
      throw Failure(.format, "a tensor of shape \(shape) cannot hold \(count) values")
    }
    self.shape = shape
    self.storage = storage
  }

  package var count: Int {
    switch storage {
    case .array(let values): values.count
    case .int8(let values): values.count
    case .int16(let values): values.count
    case .stored(let values): values.count
    }
  }

  /// How the values are kept.
  package var format: NumberFormat {
    switch storage {
    case .array: .float32
    case .int8: .int8
    case .int16: .int16
    case .stored(let values): values.format
    }
  }

  /// The same tensor with its values in memory, in no more of it than now.
  package func loaded() throws(Failure) -> Tensor {
    guard case .stored(let stored) = storage else { return self }
    let reader = stored.reader()
    switch stored.format {
    case .float32: return try Tensor(shape: shape, values: values)
    case .int8:
      let part = try Buffer<Int16>(count: min(count, 1 << 14), isBrief: true)
      return try Tensor(
        shape: shape,
        integers: readArray(count) { (memory: UnsafeMutablePointer<Int8>) throws(Failure) in
          for start in stride(from: 0, to: count, by: max(part.count, 1)) {
            let read = min(part.count, count - start)
            try reader.readIntegers(read, into: part.base)
            for i in 0..<read { memory[start + i] = Int8(truncatingIfNeeded: part.base[i]) }
          }
        })
    case .uint8, .int16:
      return try Tensor(
        shape: shape,
        integers: readArray(count) { (memory: UnsafeMutablePointer<Int16>) throws(Failure) in
          try reader.readIntegers(count, into: memory)
        })
    }
  }

  /// All values; a new array each time when they are stored elsewhere. Fails as ``ValueReader`` does.
  package var values: [Float] {
    get throws(Failure) {
      if case .array(let values) = storage { return values }
      let reader = reader()
      return try readArray(count) { (memory: UnsafeMutablePointer<Float>) throws(Failure) in
        try reader.read(count, into: memory)
      }
    }
  }

  /// A checksum of the values as they are kept. Takes a pass over them, unless they are stored and were read before.
  package var sums: WordSums {
    get throws(Failure) {
      func sums(_ bytes: UnsafeRawBufferPointer) -> WordSums {
        var sums = WordSums()
        sums.add(bytes)
        return sums.completed
      }
      switch storage {
      case .array(let values): return values.withUnsafeBytes { sums($0) }
      case .int8(let values): return values.withUnsafeBytes { sums($0) }
      case .int16(let values): return values.withUnsafeBytes { sums($0) }
      case .stored(let stored):
        if let sums = stored.sums { return sums }
        let buffer = try Buffer<Float>(count: min(count, 1 << 14), isBrief: true)
        let reader = reader()
        for start in stride(from: 0, to: count, by: max(buffer.count, 1)) {
          try reader.read(min(buffer.count, count - start), into: buffer.base)
        }
        guard let sums = stored.sums else {
          if count == 0 { return WordSums() }
          throw Failure(.format, "a tensor's values were read, but not summed")
        }
        return sums
      }
    }
  }

  /// Gives the values one after the other.
  package func reader() -> any ValueReader {
    switch storage {
    case .array(let values): FloatReader(values)
    case .int8(let values): IntegerReader(values)
    case .int16(let values): IntegerReader(values)
    case .stored(let values): values.reader()
    }
  }
}

extension Tensor: Equatable {
  /// A tensor that cannot be read equals no other.
  package static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape, let first = try? a.values, let second = try? b.values else { return false }
    return first == second
  }
}

/// How numbers are kept.
package enum NumberFormat: Sendable {
  case float32, int8, uint8, int16

  package var byteCount: Int {
    switch self {
    case .float32: 4
    case .int16: 2
    case .int8, .uint8: 1
    }
  }
}

/// Values that lie in a file.
package protocol StoredValues: AnyObject, Sendable {
  var count: Int { get }
  var format: NumberFormat { get }
  /// ``Tensor/sums``, once a reader has come to the end.
  var sums: WordSums? { get }
  func reader() -> any ValueReader
}

/// One pass over a tensor's values.
package protocol ValueReader: AnyObject {
  /// Copies the next `count` values; there must be as many left. Fails with `.io` when the file cannot be read, and
  /// with `.format` when it is damaged, which is found out with the last values at the latest.
  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure)
  /// The same of values that are kept as integers, and for no others.
  func readIntegers(_ count: Int, into memory: UnsafeMutablePointer<Int16>) throws(Failure)
}

private final class FloatReader: ValueReader {
  private let values: [Float]
  private var done = 0

  init(_ values: [Float]) { self.values = values }

  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure) {
    guard count <= values.count - done else { throw Failure(.format, "a tensor ends too early") }
    values.withUnsafeBufferPointer { values in
      if let start = values.baseAddress { memory.update(from: start + done, count: count) }
    }
    done += count
  }

  func readIntegers(_ count: Int, into memory: UnsafeMutablePointer<Int16>) throws(Failure) {
    throw Failure(.format, "a tensor's values are not kept as integers")
  }
}

private final class IntegerReader<Integer: FixedWidthInteger & Sendable>: ValueReader {
  private let values: [Integer]
  private var done = 0

  init(_ values: [Integer]) { self.values = values }

  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure) {
    try advance(count) { index, place in memory[index] = Float(values[place]) }
  }

  func readIntegers(_ count: Int, into memory: UnsafeMutablePointer<Int16>) throws(Failure) {
    try advance(count) { index, place in memory[index] = Int16(truncatingIfNeeded: values[place]) }
  }

  @inline(__always)
  private func advance(_ count: Int, _ copy: (_ index: Int, _ place: Int) -> Void) throws(Failure) {
    guard count <= values.count - done else { throw Failure(.format, "a tensor ends too early") }
    for index in 0..<count { copy(index, done + index) }
    done += count
  }
}

/// An array of numbers that are read at once. Fails with `.outOfMemory`, and as `read` does.
private func readArray<Number: BitwiseCopyable>(
  _ count: Int, _ read: (UnsafeMutablePointer<Number>) throws(Failure) -> Void
) throws(Failure) -> [Number] {
  try checkMemory(for: count, of: Number.self)
  var failure: Failure?
  let numbers = [Number](unsafeUninitializedCapacity: count) { memory, initialized in
    do throws(Failure) {
      if let start = memory.baseAddress { try read(start) }
      initialized = count
    } catch { failure = error }
  }
  if let failure { throw failure }
  return numbers
}

/// The product of sizes that come from a file or a caller; nil when one is negative or the product overflows.
package func checkedProduct(_ sizes: [Int]) -> Int? {
  var product = 1
  for size in sizes {
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    guard size >= 0, !overflow else { return nil }
    product = next
  }
  return product
}
