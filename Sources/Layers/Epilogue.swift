import Basics
import Kernels

/// What a layer does to its sums: y = activation(sum * scale + bias + residual), with a scale and a bias for each output.
package struct Epilogue: Sendable {
  /// The scale of a BatchNorm; nil for 1. It is not multiplied into the weights, because that would round each of them again.
  let scale: SharedFloats?
  let bias: SharedFloats
  package let activation: Activation
  private let outputs: Int

  package init(scale: [Float]? = nil, bias: [Float], activation: Activation = .identity) throws(Failure) {
    if let scale, scale.count != bias.count {
      throw Failure(.format, "a scale of \(scale.count) values does not fit \(bias.count) outputs")
    }
    // Zeros follow the values, since kernels read whole panels.
    let paddedCount = bias.count + Kernels.gemmShape.panelWidth
    self.scale = if let scale { try SharedFloats(scale, paddedCount: paddedCount) } else { nil }
    self.bias = try SharedFloats(bias, paddedCount: paddedCount)
    self.activation = activation
    outputs = bias.count
  }

  /// The scale for kernels that do not take nil.
  func filledScale() throws(Failure) -> SharedFloats {
    if let scale { return scale }
    return try SharedFloats([Float](repeating: 1, count: outputs))
  }

  /// Fails unless this is for a layer of so many outputs.
  func check(outputs: Int) throws(Failure) {
    guard self.outputs == outputs else {
      throw Failure(.format, "a bias of \(self.outputs) values does not fit \(outputs) outputs")
    }
  }
}
