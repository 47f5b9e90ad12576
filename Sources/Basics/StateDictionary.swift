/// Tensors by their PyTorch state-dict key, e.g. `layer1.0.conv1.weight`.
package struct StateDictionary: Sendable, Equatable {
  package private(set) var tensors: [String: Tensor]

  package init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  package var keys: [String] { tensors.keys.sorted() }

  /// The number of values in all tensors together.
  package var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.count } }

  package subscript(key: String) -> Tensor? {
    get { tensors[key] }
    set { tensors[key] = newValue }
  }

  /// The same with all values in memory.
  package func loaded() throws(Failure) -> StateDictionary {
    var loaded = StateDictionary()
    for (key, tensor) in tensors { loaded[key] = try tensor.loaded() }
    return loaded
  }

  /// The weights of a key. Fails with `.format` when they are missing or have another shape.
  package func weights(_ key: String, shape: [Int]) throws(Failure) -> Weights {
    guard let tensor = tensors[key] else { throw Failure(.format, "the tensor \(key) is missing") }
    guard tensor.shape == shape else {
      throw Failure(.format, "the tensor \(key) has shape \(tensor.shape) where \(shape) is needed")
    }
    return Weights(tensor, key: key)
  }

  /// The values of a key with this shape, which must all be finite.
  package func values(_ key: String, shape: [Int]) throws(Failure) -> [Float] {
    try weights(key, shape: shape).values
  }
}
