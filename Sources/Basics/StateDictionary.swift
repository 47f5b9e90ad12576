/// Tensors by their PyTorch state-dict key, e.g. `layer1.0.conv1.weight`.
package struct StateDictionary: Sendable, Equatable {
  package private(set) var tensors: [String: Tensor]

  package init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  package var keys: [String] { tensors.keys.sorted() }

  /// Numbers in all tensors together.
  package var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.count } }

  package subscript(key: String) -> Tensor? {
    get { tensors[key] }
    set { tensors[key] = newValue }
  }

  /// Everything, leaving nothing behind: what is removed there is then gone, unless someone else keeps it.
  package mutating func takeAll() -> StateDictionary {
    defer { tensors = [:] }
    return self
  }

  /// The tensor of a key, which must be there and have this shape.
  package func tensor(_ key: String, shape: [Int]) throws(Failure) -> Tensor {
    guard let tensor = tensors[key] else { throw Failure(.format, "the tensor \(key) is missing") }
    guard tensor.shape == shape else {
      throw Failure(.format, "the tensor \(key) has shape \(tensor.shape) where \(shape) is needed")
    }
    return tensor
  }

  /// The values of a key with this shape, which must all be finite.
  package func values(_ key: String, shape: [Int]) throws(Failure) -> [Float] {
    let values = try tensor(key, shape: shape).values
    let areFinite = values.withUnsafeBufferPointer { values in
      values.baseAddress.map { allFinite($0, count: values.count) } ?? true
    }
    guard areFinite else { throw Failure(.format, "the tensor \(key) holds a value that is not finite") }
    return values
  }
}
