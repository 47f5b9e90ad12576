import Basics
import Kernels

/// Collects an encoder's layers while an ``Architecture`` declares them, taking each layer's weights from the state
/// dictionary and folding its BatchNorm into them.
struct EncoderBuilder {
  /// A feature map between two layers, by its number.
  struct Value: Sendable { let index: Int }

  /// Gives the values of a state-dict key, which must have this shape.
  typealias Reader = (_ key: String, _ shape: [Int]) throws(Failure) -> [Float]

  let input = Value(index: 0)
  private(set) var layers: [Layer] = []
  private(set) var tapped: [String: Value] = [:]
  /// Keys that were read, in reading order: what the architecture needs of a state dictionary.
  private(set) var usedKeys: [String] = []
  private var channelCounts = [3]
  /// By how much each value is smaller than the input, per side.
  private var strides = [1]
  private let reader: Reader
  private let padding: Padding
  private let normEpsilon: Double
  private let taps: Set<String>
  private let inputSize: EncoderInputSize?

  /// - Parameters:
  ///   - normEpsilon: added to the variance by every norm.
  ///   - inputSize: what to choose the fastest forms of layers for; nil: those that suit any size.
  init(
    padding: Padding, normEpsilon: Double, taps: [String], inputSize: EncoderInputSize?, reader: @escaping Reader
  ) {
    self.inputSize = inputSize
    self.padding = padding
    self.normEpsilon = normEpsilon
    self.taps = Set(taps)
    self.reader = reader
  }

  func channels(_ value: Value) -> Int { channelCounts[value.index] }

  /// Whether the detector takes its features at this module.
  func isTap(_ name: String) -> Bool { taps.contains(name) }

  /// Whether all modules where the detector takes its features are there: what follows is of no use.
  var isComplete: Bool { taps.allSatisfy { tapped[$0] != nil } }

  /// Names a value as the output of a module where features can be taken.
  mutating func tap(_ name: String, _ value: Value) { tapped[name] = value }

  mutating func read(_ key: String, _ shape: [Int]) throws(Failure) -> [Float] {
    usedKeys.append(key)
    return try reader(key, shape)
  }

  private mutating func append(
    _ operation: some Operation, _ x: Value, second: Value? = nil, channels: Int? = nil, stride: Int = 1
  ) -> Value {
    layers.append(Layer(operation: operation, input: x.index, second: second?.index))
    strides.append(strides[x.index] * stride)
    channelCounts.append(channels ?? channelCounts[x.index])
    return Value(index: layers.count)
  }
}

// MARK: Convolutional networks

extension EncoderBuilder {
  /// Convolution, BatchNorm (folded), optional residual, activation. The kernel is centred: padding (kernel - 1) / 2.
  ///
  /// - Parameters:
  ///   - groups: of channels that do not see each other.
  ///   - residual: not with groups.
  mutating func convolution(
    _ x: Value, _ key: String, norm: String, outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    residual: Value? = nil, activation: Activation = .identity
  ) throws(Failure) -> Value {
    let inputs = channels(x)
    let (weights, bias) = try folded(key, norm: norm, shape: [outputs, inputs / groups, kernel, kernel])
    guard groups == 1 else {
      let convolution = try GroupedConvolution(
        weights: weights, bias: bias, outputs: outputs, inputs: inputs, groups: groups, kernel: kernel, stride: stride,
        activation: activation)
      return append(
        PaddedGroupedConvolution(convolution: convolution, padding: padding), x, channels: outputs, stride: stride)
    }
    if kernel == 3, stride == 1, isWinogradFaster(x, outputs: outputs) {
      let convolution = try WinogradConvolution(
        weights: weights, bias: bias, outputs: outputs, inputs: inputs, activation: activation)
      return append(
        PaddedWinogradConvolution(convolution: convolution, padding: padding), x, second: residual, channels: outputs)
    }
    let convolution = try Convolution(
      weights: weights, bias: bias, outputs: outputs, inputs: inputs, kernel: kernel, stride: stride,
      activation: activation)
    return append(
      PaddedConvolution(convolution: convolution, padding: padding), x, second: residual, channels: outputs,
      stride: stride)
  }

  /// Whether a 3x3 convolution of stride 1 has enough channels and places for Winograd's transforms to pay.
  private func isWinogradFaster(_ x: Value, outputs: Int) -> Bool {
    guard let inputSize, WinogradConvolution.suits(channels: channels(x)), WinogradConvolution.suits(channels: outputs)
    else { return false }
    let stride = strides[x.index]
    return WinogradConvolution.suits(height: inputSize.height / stride, width: inputSize.width / stride)
  }

  /// A convolution of each channel by itself, BatchNorm (folded), activation.
  mutating func depthwise(
    _ x: Value, _ key: String, norm: String, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) -> Value {
    let count = channels(x)
    let (weights, bias) = try folded(key, norm: norm, shape: [count, 1, kernel, kernel])
    let convolution = try DepthwiseConvolution(
      weights: weights, bias: bias, channels: count, kernel: kernel, stride: stride, activation: activation)
    return append(PaddedDepthwiseConvolution(convolution: convolution, padding: padding), x, stride: stride)
  }

  /// The end of an inverted residual block: 1x1 convolution, BatchNorm, and the block's input where it is added.
  ///
  /// The norm's output, before that addition, is where features are taken: a tap of the norm's name.
  mutating func projection(
    _ x: Value, _ key: String, norm: String, outputs: Int, residual: Value?
  ) throws(Failure) -> Value {
    guard isTap(norm) else {
      return try convolution(x, key, norm: norm, outputs: outputs, kernel: 1, residual: residual)
    }
    let y = try convolution(x, key, norm: norm, outputs: outputs, kernel: 1)
    tap(norm, y)
    return residual.map { add($0, y) } ?? y
  }

  /// The same where features are taken at the convolution's output, before the norm: a tap of the convolution's name.
  mutating func projection(
    _ x: Value, tappedAt key: String, norm: String, outputs: Int, residual: Value?
  ) throws(Failure) -> Value {
    guard isTap(key) else {
      return try convolution(x, key, norm: norm, outputs: outputs, kernel: 1, residual: residual)
    }
    let weights = try read("\(key).weight", [outputs, channels(x), 1, 1])
    let y = append(
      PaddedConvolution(convolution: try pointwise(weights, inputs: channels(x), outputs: outputs), padding: padding),
      x, channels: outputs)
    tap(key, y)
    let (scale, offset) = try affine(norm, channels: outputs)
    let operation = ChannelNorm(
      scale: try ConstantFloats(scale.map { Float($0) }), offset: try ConstantFloats(offset.map { Float($0) }))
    return append(operation, y, second: residual)
  }

  /// Squeeze-and-excitation (Hu et al., CVPR 2018): every channel times a gate that two 1x1 convolutions, with bias,
  /// compute from the means of all channels.
  mutating func squeezeExcite(
    _ x: Value, reduce: String, expand: String, squeezed: Int, activation: Activation, gate: Activation
  ) throws(Failure) -> Value {
    let mean = append(GlobalAverage(), x)
    let hidden = try biasedPointwise(mean, reduce, outputs: squeezed, shape: [1, 1], activation: activation)
    let scale = try biasedPointwise(hidden, expand, outputs: channels(x), shape: [1, 1], activation: gate)
    return append(ChannelScale(), x, second: scale)
  }

  mutating func maxPool(_ x: Value, kernel: Int, stride: Int, margin: Int) -> Value {
    append(MaxPooling(kernel: kernel, stride: stride, margin: margin), x, stride: stride)
  }

  mutating func add(_ a: Value, _ b: Value) -> Value { append(Addition(), a, second: b) }
}

// MARK: Transformers

extension EncoderBuilder {
  /// Square patches of `side` pixels, each made a vector.
  mutating func patches(_ x: Value, _ key: String, side: Int, outputs: Int) throws(Failure) -> Value {
    let weights = try read("\(key).weight", [outputs, channels(x), side, side])
    let convolution = try Convolution(
      weights: weights, bias: try read("\(key).bias", [outputs]), outputs: outputs, inputs: channels(x), kernel: side,
      stride: side, activation: .identity)
    return append(PatchEmbedding(convolution: convolution), x, channels: outputs)
  }

  /// A class token before the patches' vectors, and position embeddings, given for `side` x `side` patches, on all.
  mutating func tokens(
    _ patches: Value, classToken: String, positions: String, side: Int
  ) throws(Failure) -> Value {
    let width = channels(patches)
    let classToken = try read(classToken, [1, 1, width])
    let positions = try read(positions, [1, side * side + 1, width])
    return append(try TokenAssembly(classToken: classToken, positions: positions, side: side), patches)
  }

  /// The tokens of patches as a map again.
  mutating func map(_ tokens: Value, of patches: Value) -> Value { append(PatchTokens(), tokens, second: patches) }

  mutating func layerNorm(_ x: Value, _ key: String) throws(Failure) -> Value {
    let count = channels(x)
    let norm = TokenNorm(
      weight: try ConstantFloats(read("\(key).weight", [count])),
      bias: try ConstantFloats(read("\(key).bias", [count])),
      epsilon: Float(normEpsilon))
    return append(norm, x)
  }

  /// Linear map of each token, optional residual, activation.
  mutating func linear(
    _ x: Value, _ key: String, outputs: Int, residual: Value? = nil, activation: Activation = .identity
  ) throws(Failure) -> Value {
    try biasedPointwise(x, key, outputs: outputs, shape: [], residual: residual, activation: activation)
  }

  /// Self-attention; x holds each token's queries, keys and values.
  mutating func attention(_ x: Value, heads: Int) -> Value {
    append(Attention(heads: heads), x, channels: channels(x) / 3)
  }
}

// MARK: Weights

extension EncoderBuilder {
  /// A 1x1 convolution with a bias of its own; `shape` is what follows outputs and inputs in the tensor's shape.
  private mutating func biasedPointwise(
    _ x: Value, _ key: String, outputs: Int, shape: [Int], residual: Value? = nil, activation: Activation
  ) throws(Failure) -> Value {
    let weights = try read("\(key).weight", [outputs, channels(x)] + shape)
    let convolution = try pointwise(
      weights, bias: try read("\(key).bias", [outputs]), inputs: channels(x), outputs: outputs, activation: activation)
    return append(
      PaddedConvolution(convolution: convolution, padding: padding), x, second: residual, channels: outputs)
  }

  private func pointwise(
    _ weights: [Float], bias: [Float]? = nil, inputs: Int, outputs: Int, activation: Activation = .identity
  ) throws(Failure) -> Convolution {
    try Convolution(
      weights: weights, bias: bias ?? [Float](repeating: 0, count: outputs), outputs: outputs, inputs: inputs,
      kernel: 1, stride: 1, activation: activation)
  }

  /// A convolution's weights and bias with the BatchNorm after it folded into them, in double precision.
  private mutating func folded(
    _ key: String, norm: String, shape: [Int]
  ) throws(Failure) -> (weights: [Float], bias: [Float]) {
    var weights = try read("\(key).weight", shape)
    let (scale, offset) = try affine(norm, channels: shape[0])
    let fan = weights.count / shape[0]
    weights.withUnsafeMutableBufferPointer { weights in
      for output in 0..<shape[0] {
        for i in output * fan..<(output + 1) * fan { weights[i] = Float(Double(weights[i]) * scale[output]) }
      }
    }
    return (weights, offset.map { Float($0) })
  }

  /// A BatchNorm in evaluation mode, y = (x - mean) / sqrt(variance + epsilon) * weight + bias, as x * scale + offset.
  private mutating func affine(
    _ norm: String, channels: Int
  ) throws(Failure) -> (scale: [Double], offset: [Double]) {
    let weight = try read("\(norm).weight", [channels])
    let bias = try read("\(norm).bias", [channels])
    let mean = try read("\(norm).running_mean", [channels])
    let variance = try read("\(norm).running_var", [channels])
    guard variance.allSatisfy({ $0 >= 0 }) else {
      throw Failure(.format, "the tensor \(norm).running_var holds a negative variance")
    }
    let scale = zip(weight, variance).map { Double($0) / (Double($1) + normEpsilon).squareRoot() }
    let offset = bias.indices.map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
    return (scale, offset)
  }
}
