import Basics
import Layers

/// The tensors that a graph's layers are prepared from, checked for their shapes. Their values are read when a layer is prepared.
struct WeightTable {
  /// Gives the weights of a state-dict key, which must have this shape.
  typealias Source = (_ key: String, _ shape: [Int]) throws(Failure) -> Weights

  private var weights: [String: Weights] = [:]

  init(_ tensors: [TensorSpec], source: Source) throws(Failure) {
    for (key, shape) in tensors { weights[key] = try source(key, shape) }
  }

  private func weights(_ key: String) throws(Failure) -> Weights {
    guard let weights = weights[key] else { throw Failure(.format, "the tensor \(key) is missing") }
    return weights
  }

  func values(_ key: String) throws(Failure) -> [Float] { try weights(key).values }

  /// One pass over a tensor, `length` weights for each output.
  func rows(_ key: String, length: Int) throws(Failure) -> WeightRows {
    let reader = try weights(key).reader()
    return { (outputs, memory) throws(Failure) in try reader.read(outputs.count * length, into: memory) }
  }

  /// The same of a tensor of integers within +-limit.
  func integers(_ key: String, length: Int, limit: Int16 = 127) throws(Failure) -> IntegerRows {
    integerRows(of: try weights(key), length: length, limit: limit)
  }

  /// y = (x - mean) / sqrt(variance + epsilon) * weight + bias as x * scale + offset, in double precision. A convolution's
  /// weights are not multiplied with the scale: rounding the products would be the largest of all float32 errors.
  func affine(_ norm: BatchNormSpec) throws(Failure) -> (scale: [Float], offset: [Float]) {
    let (weight, bias) = (try values("\(norm.key).weight"), try values("\(norm.key).bias"))
    let (mean, variance) = (try values("\(norm.key).running_mean"), try values("\(norm.key).running_var"))
    guard variance.allSatisfy({ $0 >= 0 }) else {
      throw Failure(.format, "the tensor \(norm.key).running_var holds a negative variance")
    }
    let scale = zip(weight, variance).map { Double($0) / (Double($1) + norm.epsilon).squareRoot() }
    let offset = bias.indices.map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
    return (scale.map { Float($0) }, offset.map { Float($0) })
  }
}
