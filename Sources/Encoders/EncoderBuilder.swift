import Basics
import Kernels

/// Collects an encoder's layers while an ``Architecture`` declares them, taking each layer's weights from the state
/// dictionary and folding its BatchNorm into them.
struct EncoderBuilder {
  /// A feature map between two layers, by its number.
  struct Value: Sendable { let index: Int }

  let input = Value(index: 0)
  private(set) var layers: [Layer] = []
  private(set) var tapped: [String: Value] = [:]
  /// Keys that were read, in reading order: what the architecture needs of a state dictionary.
  private(set) var usedKeys: [String] = []
  private var channelCounts = [3]
  private let weights: StateDictionary
  private let normEpsilon: Double
  private let taps: Set<String>

  init(weights: StateDictionary, normEpsilon: Double, taps: [String]) {
    self.weights = weights
    self.normEpsilon = normEpsilon
    self.taps = Set(taps)
  }

  func channels(_ value: Value) -> Int { channelCounts[value.index] }

  /// Whether the detector takes its features at this module.
  func isTap(_ name: String) -> Bool { taps.contains(name) }

  /// Names a value as the output of a module where features can be taken.
  mutating func tap(_ name: String, _ value: Value) { tapped[name] = value }
}

extension EncoderBuilder {
  /// Convolution, BatchNorm (folded), optional residual, activation. The kernel is centred: padding (kernel - 1) / 2.
  mutating func convolution(
    _ x: Value, _ key: String, norm: String, outputs: Int, kernel: Int, stride: Int = 1, residual: Value? = nil,
    activation: Activation = .identity
  ) throws(Failure) -> Value {
    let inputs = channels(x)
    let (weights, bias) = try folded(key, norm: norm, shape: [outputs, inputs, kernel, kernel])
    let operation = try Convolution(
      weights: weights, bias: bias, outputs: outputs, inputs: inputs, kernel: kernel, stride: stride,
      activation: activation)
    return append(.convolution(operation), x, residual: residual, channels: outputs)
  }

  /// A convolution of each channel by itself, BatchNorm (folded), activation.
  mutating func depthwise(
    _ x: Value, _ key: String, norm: String, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) -> Value {
    let count = channels(x)
    let (weights, bias) = try folded(key, norm: norm, shape: [count, 1, kernel, kernel])
    let operation = try DepthwiseConvolution(
      weights: weights, bias: bias, channels: count, kernel: kernel, stride: stride, activation: activation)
    return append(.depthwise(operation), x, channels: count)
  }

  mutating func maxPool(_ x: Value, kernel: Int, stride: Int, margin: Int) -> Value {
    append(.maxPool(MaxPooling(kernel: kernel, stride: stride, margin: margin)), x, channels: channels(x))
  }

  mutating func add(_ a: Value, _ b: Value) -> Value { append(.add, a, residual: b, channels: channels(a)) }

  private mutating func append(
    _ operation: Layer.Operation, _ x: Value, residual: Value? = nil, channels: Int
  ) -> Value {
    layers.append(Layer(operation: operation, input: x.index, residual: residual?.index))
    channelCounts.append(channels)
    return Value(index: layers.count)
  }
}

extension EncoderBuilder {
  /// The BatchNorm in evaluation mode, y = (x - mean) / sqrt(variance + epsilon) * weight + bias, folded into the
  /// convolution before it, in double precision.
  private mutating func folded(
    _ key: String, norm: String, shape: [Int]
  ) throws(Failure) -> (weights: [Float], bias: [Float]) {
    let outputs = shape[0]
    var convolution = try read("\(key).weight", shape)
    let scale = try read("\(norm).weight", [outputs])
    let offset = try read("\(norm).bias", [outputs])
    let mean = try read("\(norm).running_mean", [outputs])
    let variance = try read("\(norm).running_var", [outputs])
    let fan = convolution.count / outputs
    var bias = [Float](repeating: 0, count: outputs)
    for output in 0..<outputs {
      guard variance[output] >= 0 else {
        throw Failure(.format, "the tensor \(norm).running_var holds a negative variance")
      }
      let factor = Double(scale[output]) / (Double(variance[output]) + normEpsilon).squareRoot()
      bias[output] = Float(Double(offset[output]) - Double(mean[output]) * factor)
      for i in output * fan..<(output + 1) * fan { convolution[i] = Float(Double(convolution[i]) * factor) }
    }
    return (convolution, bias)
  }

  private mutating func read(_ key: String, _ shape: [Int]) throws(Failure) -> [Float] {
    usedKeys.append(key)
    return try weights.values(key, shape: shape)
  }
}
