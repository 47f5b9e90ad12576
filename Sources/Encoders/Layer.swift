import Kernels

/// One step of an encoder: an operation on earlier values that makes the next one. Value 0 is the input; layer i makes
/// value i + 1.
struct Layer: Sendable {
  enum Operation: Sendable {
    case convolution(Convolution)
    case depthwise(DepthwiseConvolution)
    case maxPool(MaxPooling)
    /// input + residual.
    case add
  }

  let operation: Operation
  let input: Int
  /// A value of the output's size that is added before the activation.
  let residual: Int?
}
