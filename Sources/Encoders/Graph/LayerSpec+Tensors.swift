/// A tensor that a layer's weights come from: its state-dict key and the shape that it must have.
typealias TensorSpec = (key: String, shape: [Int])

extension LayerSpec {
  /// The tensors of a layer.
  var tensors: [TensorSpec] {
    switch operation {
    case .convolution(let convolution): convolution.tensors
    case .batchNorm(let norm): norm.tensors(channels: channels)
    case .layerNorm(let key, _): [("\(key).weight", [channels]), ("\(key).bias", [channels])]
    case .tokens(let classToken, let positions, let side):
      [(classToken, [1, 1, channels]), (positions, [1, side * side + 1, channels])]
    case .activation, .add, .maxPool, .globalAverage, .channelScale, .attention, .patchTokens, .quantize: []
    }
  }
}

extension ConvolutionSpec {
  var weightKey: String { "\(key).weight" }
  var biasKey: String { "\(key).bias" }

  var weightTensor: TensorSpec {
    let window = isLinear ? [] : [shape.window.kernel, shape.window.kernel]
    return (weightKey, [shape.outputs, shape.inputs / shape.groups] + window)
  }

  fileprivate var tensors: [TensorSpec] {
    let bias = hasBias ? [(biasKey, [shape.outputs])] : []
    return [weightTensor] + bias + (norm?.tensors(channels: shape.outputs) ?? [])
  }
}

extension BatchNormSpec {
  fileprivate func tensors(channels: Int) -> [TensorSpec] {
    ["weight", "bias", "running_mean", "running_var"].map { ("\(key).\($0)", [channels]) }
  }
}
