import Basics
import Layers

/// The ways to compute a convolution. The first one that suits is taken.
enum ConvolutionAlgorithm: CaseIterable, Sendable {
  /// Convolves each channel by itself.
  case depthwise
  /// A matrix product for each group, or for several small groups together.
  case grouped
  /// Winograd's algorithm, with a quarter of the multiplications, for maps large enough to pay for the transforms.
  case winograd
  /// A matrix product whose rows are gathered through a table of offsets.
  case gemm

  /// - Parameter inputSize: the size of the convolution's input; nil for any size.
  func suits(_ shape: ConvolutionShape, inputSize: EncoderInputSize?) -> Bool {
    switch self {
    case .depthwise: shape.isDepthwise
    case .grouped: shape.groups > 1
    case .winograd:
      WinogradConvolution.suits(shape)
        && inputSize.map { WinogradConvolution.suits(height: $0.height, width: $0.width) } ?? false
    case .gemm: true
    }
  }

  func prepare(
    _ shape: ConvolutionShape, weights: WeightRows, epilogue: Epilogue, in memory: WeightMemory
  ) throws(Failure) -> any Operation {
    switch self {
    case .depthwise: try DepthwiseConvolution(shape, weights: weights, epilogue: epilogue)
    case .grouped: try GroupedConvolution(shape, weights: weights, epilogue: epilogue, in: memory)
    case .winograd: try WinogradConvolution(shape, weights: weights, epilogue: epilogue, in: memory)
    case .gemm: try Convolution(shape, weights: weights, epilogue: epilogue, in: memory)
    }
  }
}

extension Graph {
  /// The graph with an algorithm chosen for each convolution.
  ///
  /// - Parameter inputSize: the size of the encoder's input; nil for algorithms that suit any size.
  func choosingAlgorithms(for inputSize: EncoderInputSize?) -> Graph {
    var chosen = self
    // The factor by which each value is smaller than the encoder's input, per side.
    var strides = [1]
    for (index, layer) in layers.enumerated() {
      let stride = strides[layer.input]
      strides.append(stride * layer.stride)
      guard case .convolution(var convolution) = layer.operation else { continue }
      let size = inputSize.map { EncoderInputSize(height: $0.height / stride, width: $0.width / stride) }
      let algorithm = ConvolutionAlgorithm.allCases.first { $0.suits(convolution.shape, inputSize: size) }
      convolution.algorithm = algorithm ?? .gemm
      chosen.layers[index].operation = .convolution(convolution)
    }
    return chosen
  }
}
