/// Numbers in PyTorch's layout: row-major, the last axis fastest. They are in memory, or still in a file.
package struct Tensor: Sendable {
  package let shape: [Int]
  private let storage: Storage

  private enum Storage {
    case array([Float])
    case stored(any StoredValues)
  }

  /// Fails when the number of values is not the product of the shape, or the product does not fit.
  package init(shape: [Int], values: [Float]) throws(Failure) {
    try self.init(shape: shape, storage: .array(values), count: values.count)
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
    case .stored(let values): values.count
    }
  }

  /// All values; a new array each time when they are stored elsewhere. Fails as ``ValueReader`` does.
  package var values: [Float] {
    get throws(Failure) {
      if case .array(let values) = storage { return values }
      try checkMemory(for: count, of: Float.self)
      let reader = reader()
      var failure: Failure?
      let values = [Float](unsafeUninitializedCapacity: count) { memory, initialized in
        do throws(Failure) {
          if let start = memory.baseAddress { try reader.read(count, into: start) }
          initialized = count
        } catch { failure = error }
      }
      if let failure { throw failure }
      return values
    }
  }

  /// A checksum of the values. Takes a pass over them, unless they are stored and were read before.
  package var sums: WordSums {
    get throws(Failure) {
      if case .stored(let values) = storage, let sums = values.sums { return sums }
      let buffer = try Buffer<Float>(count: min(count, 1 << 14), isBrief: true)
      let reader = reader()
      var sums = WordSums()
      for start in stride(from: 0, to: count, by: max(buffer.count, 1)) {
        let part = min(buffer.count, count - start)
        try reader.read(part, into: buffer.base)
        sums.add(UnsafeRawBufferPointer(start: buffer.base, count: part * MemoryLayout<Float>.stride))
      }
      return sums
    }
  }

  /// Gives the values one after the other.
  package func reader() -> any ValueReader {
    switch storage {
    case .array(let values): ArrayReader(values)
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

/// Values that lie in a file.
package protocol StoredValues: AnyObject, Sendable {
  var count: Int { get }
  /// ``Tensor/sums``, once a reader has come to the end.
  var sums: WordSums? { get }
  func reader() -> any ValueReader
}

/// One pass over a tensor's values.
package protocol ValueReader: AnyObject {
  /// Copies the next `count` values; there must be as many left. Fails with `.io` when the file cannot be read, and
  /// with `.format` when it is damaged, which is found out with the last values at the latest.
  func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure)
}

private final class ArrayReader: ValueReader {
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
