/// A tensor of weights, which must all be finite, and the name that failures give it.
package struct Weights: Sendable {
  package let key: String
  private let tensor: Tensor

  package init(_ tensor: Tensor, key: String) { (self.tensor, self.key) = (tensor, key) }

  /// All weights.
  package var values: [Float] {
    get throws(Failure) {
      let values = try tensor.values
      let areFinite = values.withUnsafeBufferPointer { values in
        values.baseAddress.map { allFinite($0, count: values.count) } ?? true
      }
      guard areFinite else { throw notFinite }
      return values
    }
  }

  /// All weights, in memory that is given back to the system when they are released. A heap would keep that of an array.
  package func shared() throws(Failure) -> SharedFloats {
    let (count, reader) = (tensor.count, reader())
    return try SharedFloats(count: count) { (memory) throws(Failure) in try reader.read(count, into: memory) }
  }

  /// Whether they are kept as integers.
  package var areIntegers: Bool { tensor.format != .float32 }

  /// Reads the weights one after the other.
  package func reader() -> Reader { Reader(weights: self, reader: tensor.reader()) }

  /// One pass over the weights.
  package struct Reader {
    fileprivate let weights: Weights
    fileprivate let reader: any ValueReader

    /// Reads the next `count` weights, which are kept as integers.
    package func readIntegers(_ count: Int, into memory: UnsafeMutablePointer<Int16>) throws(Failure) {
      try reader.readIntegers(count, into: memory)
    }

    /// Reads the next `count` weights.
    package func read(_ count: Int, into memory: UnsafeMutablePointer<Float>) throws(Failure) {
      try reader.read(count, into: memory)
      guard allFinite(memory, count: count) else { throw weights.notFinite }
    }
  }

  private var notFinite: Failure { Failure(.format, "the tensor \(key) holds a value that is not finite") }
}
