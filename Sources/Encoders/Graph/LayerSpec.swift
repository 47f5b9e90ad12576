import Kernels
import Layers

/// A layer as an architecture declares it and passes change it: plain values that say what is computed, from which
/// tensors. Weights are read only when the layer is prepared.
struct LayerSpec: Sendable, Equatable {
  var operation: OperationSpec
  /// The value that it reads: 0 is the encoder's input, i + 1 the output of layer i.
  var input: Int
  /// The second operand: the addend, the factors of the channels, or the map that the patches came from.
  var second: Int?
  /// The channels of its output.
  var channels: Int
  var element = ElementType.float32

  /// The values that it reads.
  var operands: [Int] { [input] + (second.map { [$0] } ?? []) }

  /// The layer for a graph whose values have other indices.
  func renumbered(_ numbers: [Int]) -> LayerSpec {
    var layer = self
    layer.input = numbers[input]
    layer.second = second.map { numbers[$0] }
    return layer
  }

  /// The factor by which its output is smaller than its input, per side.
  var stride: Int {
    switch operation {
    case .convolution(let convolution): convolution.shape.window.stride
    case .maxPool(let window): window.stride
    default: 1
    }
  }
}

/// What a layer computes.
enum OperationSpec: Sendable, Equatable {
  case convolution(ConvolutionSpec)
  /// A BatchNorm behind a convolution whose own output is needed too; adds the second operand, if there is one.
  case batchNorm(BatchNormSpec)
  case activation(Activation)
  /// The sum of both operands.
  case add
  case maxPool(SlidingWindow)
  /// The mean of each channel over all positions: a map of 1 x 1.
  case globalAverage
  /// Each channel times its value in the second operand, a map of 1 x 1.
  case channelScale
  case layerNorm(key: String, epsilon: Float)
  /// Self-attention of tokens that hold queries, keys and values.
  case attention(heads: Int)
  /// Puts a class token before the vectors of the patches, and adds position embeddings, which are given for `side` x `side`
  /// patches, to all.
  case tokens(classToken: String, positions: String, side: Int)
  /// Makes a map of the second operand's size of the tokens of the patches.
  case patchTokens
  /// Makes a map of bytes of a map of floats.
  case quantize
}

/// y = activation(norm(convolution(x) + bias) + residual), the residual being the layer's second operand. Linear layers of
/// tokens are such convolutions too.
struct ConvolutionSpec: Sendable, Equatable {
  /// The state dictionary's prefix: the tensors are `key`.weight and `key`.bias.
  let key: String
  let shape: ConvolutionShape
  /// Whether the weights have PyTorch's shape for a linear layer, which has no window.
  var isLinear = false
  let hasBias: Bool
  /// The norm and the activation of the epilogue.
  var norm: BatchNormSpec?
  var activation = Activation.identity
  var algorithm = ConvolutionAlgorithm.gemm
}

/// A BatchNorm in evaluation mode.
struct BatchNormSpec: Sendable, Equatable {
  let key: String
  /// Added to the variance.
  let epsilon: Double
}
