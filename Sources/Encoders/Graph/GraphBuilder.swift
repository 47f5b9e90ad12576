import Kernels
import Layers

/// Collects an encoder's layers while an ``Architecture`` declares them.
struct GraphBuilder {
  /// A feature map between two layers, by its index.
  struct Value: Sendable { fileprivate let index: Int }

  let input = Value(index: 0)
  private(set) var layers: [LayerSpec] = []
  /// The outputs of modules, by their names.
  private var tapped: [String: Value] = [:]
  private let padding: Padding
  private let normEpsilon: Double
  private let taps: [String]

  /// - Parameters:
  ///   - normEpsilon: added to the variance by every norm.
  ///   - taps: modules where features are taken.
  init(padding: Padding, normEpsilon: Double, taps: [String]) {
    self.padding = padding
    self.normEpsilon = normEpsilon
    self.taps = taps
  }

  func channels(_ value: Value) -> Int { value.index == 0 ? 3 : layers[value.index - 1].channels }

  /// Whether all modules where features are taken have been declared, so that further layers are not needed.
  var isComplete: Bool { levels != nil }

  /// The value of each tap; nil when one is missing.
  var levels: [Int]? {
    let levels = taps.compactMap { tapped[$0]?.index }
    return levels.count == taps.count ? levels : nil
  }

  /// Names a value as the output of a module where features can be taken. Convolutions and norms are named by their keys.
  mutating func tap(_ name: String, _ value: Value) { tapped[name] = value }

  private mutating func append(
    _ operation: OperationSpec, _ x: Value, second: Value? = nil, channels: Int? = nil
  ) -> Value {
    layers.append(
      LayerSpec(operation: operation, input: x.index, second: second?.index, channels: channels ?? self.channels(x)))
    return Value(index: layers.count)
  }
}

// MARK: Convolutional networks

extension GraphBuilder {
  /// Convolution, BatchNorm, optional residual, activation. The kernel is centred: padding (kernel - 1) / 2.
  ///
  /// - Parameter groups: the number of groups of channels, which do not depend on each other.
  mutating func convolution(
    _ x: Value, _ key: String, norm: String, outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    residual: Value? = nil, activation: Activation = .identity
  ) -> Value {
    let shape = ConvolutionShape(
      inputs: channels(x), outputs: outputs, groups: groups,
      window: SlidingWindow(kernel: kernel, stride: stride, padding: padding))
    let sums = append(.convolution(ConvolutionSpec(key: key, shape: shape, hasBias: false)), x, channels: outputs)
    tap(key, sums)
    let normed = append(.batchNorm(BatchNormSpec(key: norm, epsilon: normEpsilon)), sums)
    tap(norm, normed)
    return finished(normed, residual: residual, activation: activation)
  }

  /// A convolution of each channel by itself, BatchNorm, activation.
  mutating func depthwise(
    _ x: Value, _ key: String, norm: String, kernel: Int, stride: Int, activation: Activation
  ) -> Value {
    let count = channels(x)
    return convolution(
      x, key, norm: norm, outputs: count, kernel: kernel, stride: stride, groups: count, activation: activation)
  }

  /// Squeeze-and-excitation (Hu et al., CVPR 2018): every channel times a gate that two 1x1 convolutions, with bias,
  /// compute from the means of all channels.
  mutating func squeezeExcite(
    _ x: Value, reduce: String, expand: String, squeezed: Int, activation: Activation, gate: Activation
  ) -> Value {
    let mean = append(.globalAverage, x)
    let hidden = pointwise(mean, reduce, outputs: squeezed, activation: activation)
    return append(.channelScale, x, second: pointwise(hidden, expand, outputs: channels(x), activation: gate))
  }

  mutating func maxPool(_ x: Value, kernel: Int, stride: Int) -> Value {
    append(.maxPool(SlidingWindow(kernel: kernel, stride: stride, padding: .zeros)), x)
  }

  /// A 1x1 convolution, or a linear layer, with a bias of its own.
  private mutating func pointwise(
    _ x: Value, _ key: String, outputs: Int, isLinear: Bool = false, residual: Value? = nil, activation: Activation
  ) -> Value {
    let shape = ConvolutionShape(inputs: channels(x), outputs: outputs, window: SlidingWindow(kernel: 1))
    let convolution = ConvolutionSpec(key: key, shape: shape, isLinear: isLinear, hasBias: true)
    let y = append(.convolution(convolution), x, channels: outputs)
    return finished(y, residual: residual, activation: activation)
  }

  /// Appends an addition of the residual and an activation, if they are wanted.
  private mutating func finished(_ x: Value, residual: Value?, activation: Activation) -> Value {
    let sum = residual.map { append(.add, x, second: $0) } ?? x
    return activation == .identity ? sum : append(.activation(activation), sum)
  }
}

// MARK: Transformers

extension GraphBuilder {
  /// Makes a vector of each square patch of `side` pixels, by a convolution whose kernel is as large as its stride.
  mutating func patches(_ x: Value, _ key: String, side: Int, outputs: Int) -> Value {
    let shape = ConvolutionShape(
      inputs: channels(x), outputs: outputs, window: SlidingWindow(kernel: side, stride: side))
    return append(.convolution(ConvolutionSpec(key: key, shape: shape, hasBias: true)), x, channels: outputs)
  }

  /// Puts a class token before the patches' vectors, and adds position embeddings, which are given for `side` x `side`
  /// patches, to all.
  mutating func tokens(_ patches: Value, classToken: String, positions: String, side: Int) -> Value {
    append(.tokens(classToken: classToken, positions: positions, side: side), patches)
  }

  /// Turns the tokens of patches into a map again.
  mutating func map(_ tokens: Value, of patches: Value) -> Value { append(.patchTokens, tokens, second: patches) }

  mutating func layerNorm(_ x: Value, _ key: String) -> Value {
    append(.layerNorm(key: key, epsilon: Float(normEpsilon)), x)
  }

  /// A linear layer on each token, optional residual, activation.
  mutating func linear(
    _ x: Value, _ key: String, outputs: Int, residual: Value? = nil, activation: Activation = .identity
  ) -> Value {
    pointwise(x, key, outputs: outputs, isLinear: true, residual: residual, activation: activation)
  }

  /// Self-attention; x holds each token's queries, keys and values.
  mutating func attention(_ x: Value, heads: Int) -> Value {
    append(.attention(heads: heads), x, channels: channels(x) / 3)
  }
}
