import Basics
import Kernels

/// Collects an encoder's layers while an ``Architecture`` declares them, and from the state dictionary the weights that each
/// will be prepared from.
struct EncoderBuilder {
  /// A feature map between two layers, by its number.
  struct Value: Sendable { let index: Int }

  /// Gives the weights of a state-dict key, which must have this shape.
  typealias Source = (_ key: String, _ shape: [Int]) throws(Failure) -> Weights

  /// A layer whose operation is still to be prepared, which may happen on any thread.
  struct Declaration {
    let input: Int
    let second: Int?
    let operation: () throws(Failure) -> any Operation
  }

  let input = Value(index: 0)
  private(set) var layers: [Declaration] = []
  private(set) var tapped: [String: Value] = [:]
  /// Keys that were taken, in this order: what the architecture needs of a state dictionary.
  private(set) var usedKeys: [String] = []
  private var channelCounts = [3]
  /// By how much each value is smaller than the input, per side.
  private var strides = [1]
  private let source: Source
  /// For the layers' weights.
  let memory = WeightMemory()
  private let padding: Padding
  private let normEpsilon: Double
  private let taps: Set<String>
  private let inputSize: EncoderInputSize?

  /// - Parameters:
  ///   - normEpsilon: added to the variance by every norm.
  ///   - inputSize: what to choose the fastest forms of layers for; nil: those that suit any size.
  init(
    padding: Padding, normEpsilon: Double, taps: [String], inputSize: EncoderInputSize?, source: @escaping Source
  ) {
    self.inputSize = inputSize
    self.padding = padding
    self.normEpsilon = normEpsilon
    self.taps = Set(taps)
    self.source = source
  }

  func channels(_ value: Value) -> Int { channelCounts[value.index] }

  /// Whether the detector takes its features at this module.
  func isTap(_ name: String) -> Bool { taps.contains(name) }

  /// Whether all modules where the detector takes its features are there: what follows is of no use.
  var isComplete: Bool { taps.allSatisfy { tapped[$0] != nil } }

  /// Names a value as the output of a module where features can be taken.
  mutating func tap(_ name: String, _ value: Value) { tapped[name] = value }

  mutating func take(_ key: String, _ shape: [Int]) throws(Failure) -> Weights {
    usedKeys.append(key)
    return try source(key, shape)
  }

  private mutating func append(
    _ x: Value, second: Value? = nil, channels: Int? = nil, stride: Int = 1,
    _ operation: @escaping () throws(Failure) -> any Operation
  ) -> Value {
    layers.append(Declaration(input: x.index, second: second?.index, operation: operation))
    strides.append(strides[x.index] * stride)
    channelCounts.append(channels ?? channelCounts[x.index])
    return Value(index: layers.count)
  }
}

// MARK: Convolutional networks

extension EncoderBuilder {
  /// Convolution, BatchNorm, optional residual, activation. The kernel is centred: padding (kernel - 1) / 2.
  ///
  /// - Parameters:
  ///   - groups: of channels that do not see each other.
  ///   - residual: not with groups.
  mutating func convolution(
    _ x: Value, _ key: String, norm: String, outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    residual: Value? = nil, activation: Activation = .identity
  ) throws(Failure) -> Value {
    let (inputs, padding, memory) = (channels(x), padding, memory)
    let weights = try normed(key, norm: norm, shape: [outputs, inputs / groups, kernel, kernel])
    if groups > 1 {
      return append(x, channels: outputs, stride: stride) { () throws(Failure) in
        let (rows, scale, bias) = try weights.open()
        let convolution = try GroupedConvolution(
          weights: rows, scale: scale, bias: bias, outputs: outputs, inputs: inputs, groups: groups, kernel: kernel,
          stride: stride,
          activation: activation, in: memory)
        return PaddedGroupedConvolution(convolution: convolution, padding: padding)
      }
    }
    let isWinograd = kernel == 3 && stride == 1 && isWinogradFaster(x, outputs: outputs)
    return append(x, second: residual, channels: outputs, stride: stride) { () throws(Failure) in
      let (rows, scale, bias) = try weights.open()
      if isWinograd {
        let convolution = try WinogradConvolution(
          weights: rows, scale: scale, bias: bias, outputs: outputs, inputs: inputs, activation: activation, in: memory)
        return PaddedWinogradConvolution(convolution: convolution, padding: padding)
      }
      let convolution = try Convolution(
        weights: rows, scale: scale, bias: bias, outputs: outputs, inputs: inputs, kernel: kernel, stride: stride,
        activation: activation, in: memory)
      return PaddedConvolution(convolution: convolution, padding: padding)
    }
  }

  /// Whether a 3x3 convolution of stride 1 has enough channels and places for Winograd's transforms to pay.
  private func isWinogradFaster(_ x: Value, outputs: Int) -> Bool {
    guard let inputSize, WinogradConvolution.suits(channels: channels(x)), WinogradConvolution.suits(channels: outputs)
    else { return false }
    let stride = strides[x.index]
    return WinogradConvolution.suits(height: inputSize.height / stride, width: inputSize.width / stride)
  }

  /// A convolution of each channel by itself, BatchNorm, activation.
  mutating func depthwise(
    _ x: Value, _ key: String, norm: String, kernel: Int, stride: Int, activation: Activation
  ) throws(Failure) -> Value {
    let (count, padding) = (channels(x), padding)
    let weights = try normed(key, norm: norm, shape: [count, 1, kernel, kernel])
    return append(x, stride: stride) { () throws(Failure) in
      let (rows, scale, bias) = try weights.open()
      let convolution = try DepthwiseConvolution(
        weights: rows, scale: scale, bias: bias, channels: count, kernel: kernel, stride: stride, activation: activation
      )
      return PaddedDepthwiseConvolution(convolution: convolution, padding: padding)
    }
  }

  /// The end of an inverted residual block: 1x1 convolution, BatchNorm, and the block's input where it is added.
  ///
  /// The norm's output, before that addition, can be where features are taken: a tap of the norm's name. Where it is, the
  /// addition is a layer of its own, else it is part of the convolution.
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

  /// The same where features can be taken at the convolution's output, before the norm: a tap of the convolution's name.
  mutating func projection(
    _ x: Value, tappedAt key: String, norm: String, outputs: Int, residual: Value?
  ) throws(Failure) -> Value {
    guard isTap(key) else {
      return try convolution(x, key, norm: norm, outputs: outputs, kernel: 1, residual: residual)
    }
    let y = try pointwise(x, key, outputs: outputs, shape: [1, 1], hasBias: false)
    tap(key, y)
    let norm = try self.norm(norm, channels: outputs)
    return append(y, second: residual) { () throws(Failure) in
      let (scale, offset) = try norm.affine
      return ChannelNorm(
        scale: try ConstantFloats(scale.map { Float($0) }), offset: try ConstantFloats(offset.map { Float($0) }))
    }
  }

  /// Squeeze-and-excitation (Hu et al., CVPR 2018): every channel times a gate that two 1x1 convolutions, with bias,
  /// compute from the means of all channels.
  mutating func squeezeExcite(
    _ x: Value, reduce: String, expand: String, squeezed: Int, activation: Activation, gate: Activation
  ) throws(Failure) -> Value {
    let mean = append(x) { GlobalAverage() }
    let hidden = try pointwise(mean, reduce, outputs: squeezed, shape: [1, 1], activation: activation)
    let scale = try pointwise(hidden, expand, outputs: channels(x), shape: [1, 1], activation: gate)
    return append(x, second: scale) { ChannelScale() }
  }

  mutating func maxPool(_ x: Value, kernel: Int, stride: Int, margin: Int) -> Value {
    append(x, stride: stride) { MaxPooling(kernel: kernel, stride: stride, margin: margin) }
  }

  mutating func add(_ a: Value, _ b: Value) -> Value { append(a, second: b) { Addition() } }
}

// MARK: Transformers

extension EncoderBuilder {
  /// Square patches of `side` pixels, each made a vector.
  mutating func patches(_ x: Value, _ key: String, side: Int, outputs: Int) throws(Failure) -> Value {
    let (inputs, memory) = (channels(x), memory)
    let weights = try take("\(key).weight", [outputs, inputs, side, side])
    let bias = try take("\(key).bias", [outputs])
    return append(x, channels: outputs) { () throws(Failure) in
      let convolution = try Convolution(
        weights: Self.rows(weights, length: inputs * side * side), bias: try bias.values, outputs: outputs,
        inputs: inputs, kernel: side, stride: side, activation: .identity, in: memory)
      return PatchEmbedding(convolution: convolution)
    }
  }

  /// A class token before the patches' vectors, and position embeddings, given for `side` x `side` patches, on all.
  mutating func tokens(
    _ patches: Value, classToken: String, positions: String, side: Int
  ) throws(Failure) -> Value {
    let width = channels(patches)
    let classToken = try take(classToken, [1, 1, width])
    let positions = try take(positions, [1, side * side + 1, width])
    return append(patches) { () throws(Failure) in
      try TokenAssembly(classToken: classToken.values, positions: positions.values, side: side)
    }
  }

  /// The tokens of patches as a map again.
  mutating func map(_ tokens: Value, of patches: Value) -> Value { append(tokens, second: patches) { PatchTokens() } }

  mutating func layerNorm(_ x: Value, _ key: String) throws(Failure) -> Value {
    let (count, epsilon) = (channels(x), Float(normEpsilon))
    let (weight, bias) = (try take("\(key).weight", [count]), try take("\(key).bias", [count]))
    return append(x) { () throws(Failure) in
      TokenNorm(
        weight: try ConstantFloats(weight.values), bias: try ConstantFloats(bias.values), epsilon: epsilon)
    }
  }

  /// Linear map of each token, optional residual, activation.
  mutating func linear(
    _ x: Value, _ key: String, outputs: Int, residual: Value? = nil, activation: Activation = .identity
  ) throws(Failure) -> Value {
    try pointwise(x, key, outputs: outputs, shape: [], residual: residual, activation: activation)
  }

  /// Self-attention; x holds each token's queries, keys and values.
  mutating func attention(_ x: Value, heads: Int) -> Value {
    append(x, channels: channels(x) / 3) { Attention(heads: heads) }
  }
}

// MARK: Weights

extension EncoderBuilder {
  /// A 1x1 convolution with a bias of its own or none; `shape` is what follows outputs and inputs in the tensor's shape.
  private mutating func pointwise(
    _ x: Value, _ key: String, outputs: Int, shape: [Int], hasBias: Bool = true, residual: Value? = nil,
    activation: Activation = .identity
  ) throws(Failure) -> Value {
    let (inputs, padding, memory) = (channels(x), padding, memory)
    let weights = try take("\(key).weight", [outputs, inputs] + shape)
    let bias = hasBias ? try take("\(key).bias", [outputs]) : nil
    return append(x, second: residual, channels: outputs) { () throws(Failure) in
      let convolution = try Convolution(
        weights: Self.rows(weights, length: inputs), bias: try bias?.values ?? [Float](repeating: 0, count: outputs),
        outputs: outputs, inputs: inputs, kernel: 1, stride: 1, activation: activation, in: memory)
      return PaddedConvolution(convolution: convolution, padding: padding)
    }
  }

  fileprivate static func rows(_ weights: Weights, length: Int) -> WeightRows {
    let reader = weights.reader()
    return { (outputs, memory) throws(Failure) in try reader.read(outputs.count * length, into: memory) }
  }

  private mutating func normed(_ key: String, norm: String, shape: [Int]) throws(Failure) -> NormedWeights {
    NormedWeights(
      weights: try take("\(key).weight", shape), rowLength: shape[1...].reduce(1, *),
      norm: try self.norm(norm, channels: shape[0]))
  }

  private mutating func norm(_ key: String, channels: Int) throws(Failure) -> Norm {
    Norm(
      weight: try take("\(key).weight", [channels]), bias: try take("\(key).bias", [channels]),
      mean: try take("\(key).running_mean", [channels]), variance: try take("\(key).running_var", [channels]),
      epsilon: normEpsilon)
  }
}

/// A BatchNorm in evaluation mode.
private struct Norm {
  let weight, bias, mean, variance: Weights
  let epsilon: Double

  /// y = (x - mean) / sqrt(variance + epsilon) * weight + bias as x * scale + offset.
  var affine: (scale: [Double], offset: [Double]) {
    get throws(Failure) {
      let (weight, bias, mean, variance) = (
        try self.weight.values, try self.bias.values, try self.mean.values, try self.variance.values
      )
      guard variance.allSatisfy({ $0 >= 0 }) else {
        throw Failure(.format, "the tensor \(self.variance.key) holds a negative variance")
      }
      let scale = zip(weight, variance).map { Double($0) / (Double($1) + epsilon).squareRoot() }
      let offset = bias.indices.map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
      return (scale, offset)
    }
  }
}

/// A convolution's weights and the BatchNorm behind it, as its scale and bias. They are not multiplied: rounded anew, the
/// weights would be the largest error of all that float32 makes.
private struct NormedWeights {
  let weights: Weights
  /// Weights of an output.
  let rowLength: Int
  let norm: Norm

  func open() throws(Failure) -> (rows: WeightRows, scale: [Float], bias: [Float]) {
    let (scale, offset) = try norm.affine
    return (EncoderBuilder.rows(weights, length: rowLength), scale.map { Float($0) }, offset.map { Float($0) })
  }
}
