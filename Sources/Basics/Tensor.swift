/// Numbers read from a model file, in the shape and layout PyTorch gives them: row-major, last axis fastest.
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

  /// The same with values that are copied out where they are asked for.
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

  /// All values; a new array each time when they are stored elsewhere.
  package var values: [Float] {
    switch storage {
    case .array(let values): return values
    case .stored(let values):
      return [Float](unsafeUninitializedCapacity: values.count) { memory, initialized in
        if let start = memory.baseAddress { values.copy(to: start) }
        initialized = values.count
      }
    }
  }
}

extension Tensor: Equatable {
  package static func == (a: Tensor, b: Tensor) -> Bool { a.shape == b.shape && a.values == b.values }
}

/// Values that lie in memory of another kind than an array, such as a file's bytes, checked as good and never changed.
/// The memory may be given back with the object, so whoever needs a tensor once should not keep it longer.
package protocol StoredValues: AnyObject, Sendable {
  var count: Int { get }
  /// Copies all of them.
  func copy(to memory: UnsafeMutablePointer<Float>)
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
