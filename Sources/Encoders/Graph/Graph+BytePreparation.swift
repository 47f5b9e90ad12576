import Basics
import Layers

/// The tensors that an 8-bit encoder is prepared from. A convolution of bytes has integers, `weight`, and for each output a
/// `multiplier` of its sums and an `offset`, in which the input's scales and the BatchNorm are contained. A linear layer of
/// squeeze-excite, which multiplies floats, has integers and for each output the `weight_scale` that makes floats of them. A map
/// of bytes has `output_scale` and `output_zero` of its channels. There are the values that the encoder sees beyond the border of
/// the pixels, and the tensors of layers that stay in float32. A map is named after the module that makes it. The name of a sum
/// is that of its first operand and `.sum`; names of maps with scaled channels end in `.scaled`, those of maps that exist as
/// float32 too in `.bytes`.
extension Graph {
  static let borderKey = "border"

  func scaleKey(_ value: Int) -> String { "\(name(value)).output_scale" }
  func zeroKey(_ value: Int) -> String { "\(name(value)).output_zero" }

  private func name(_ value: Int) -> String {
    guard value > 0 else { return "input" }
    let layer = layers[value - 1]
    switch layer.operation {
    case .convolution(let convolution): return convolution.key
    case .batchNorm(let norm): return norm.key
    case .add: return name(layer.input) + ".sum"
    case .channelScale: return name(layer.input) + ".scaled"
    case .quantize: return name(layer.input) + ".bytes"
    default: return name(layer.input) + ".\(value)"
    }
  }

  var byteTensors: [TensorSpec] {
    layers.indices.flatMap { byteTensors($0) } + [(Self.borderKey, [3])]
  }

  private func byteTensors(_ index: Int) -> [TensorSpec] {
    let layer = layers[index]
    var tensors: [TensorSpec] = []
    if case .convolution(let convolution) = layer.operation {
      let keys =
        holdsBytes(layer.input)
        ? [convolution.multiplierKey, convolution.offsetKey] : [convolution.weightScaleKey, convolution.biasKey]
      tensors = [convolution.weightTensor] + keys.map { ($0, [convolution.shape.outputs]) }
    } else {
      tensors = layer.tensors
    }
    guard holdsBytes(index + 1), !layer.keepsQuantization else { return tensors }
    return tensors + [scaleKey(index + 1), zeroKey(index + 1)].map { ($0, [layer.channels]) }
  }

  func holdsBytes(_ value: Int) -> Bool { value == 0 || layers[value - 1].element == .uint8 }

  /// What the bytes of a value stand for; nil when it holds floats, or pixels.
  private func quantization(_ value: Int, _ weights: WeightTable) throws(Failure) -> MapQuantization? {
    guard value > 0, holdsBytes(value) else { return nil }
    let layer = layers[value - 1]
    if layer.keepsQuantization { return try quantization(layer.input, weights) }
    return try MapQuantization(scale: weights.values(scaleKey(value)), zero: weights.values(zeroKey(value)))
  }

  /// Reads and packs the weights of a layer, and makes its operation. May be called on any thread.
  ///
  /// - Parameter memory: for the weights.
  func prepareBytes(_ index: Int, _ weights: WeightTable, in memory: WeightMemory) throws(Failure) -> any Operation {
    let layer = layers[index]
    let input = try quantization(layer.input, weights)
    var residual = QuantizedOutput.Residual.none
    if let second = layer.second { residual = try quantization(second, weights).map { .bytes($0) } ?? .floats }
    let output = try quantization(index + 1, weights)
    /// Makes the operation of an addition or a BatchNorm.
    func addition(_ scale: [Float], _ offset: [Float]) throws(Failure) -> any Operation {
      try QuantizedAddition(
        input, output: QuantizedOutput(multiplier: scale, offset: offset, residual: residual, output: output))
    }
    let (ones, zeros) = (
      [Float](repeating: 1, count: layer.channels), [Float](repeating: 0, count: layer.channels)
    )
    switch layer.operation {
    case .convolution(let convolution):
      return try convolution.prepareBytes(
        weights, isFirst: layer.input == 0, input: input, residual: residual, output: output, in: memory)
    case .batchNorm(let norm):
      let (scale, offset) = try weights.affine(norm)
      return try addition(scale, offset)
    case .add, .quantize: return try addition(ones, zeros)
    case .maxPool(let window): return QuantizedMaxPooling(window)
    case .globalAverage: if let input { return QuantizedAverage(input) }
    case .channelScale: if let input, let output { return try QuantizedChannelScale(input, output: output) }
    default: break
    }
    throw Failure(.unsupported, "there is no kernel of 8 bits for this layer")
  }
}

extension LayerSpec {
  /// Whether a byte stands for the same value in input and output.
  var keepsQuantization: Bool { if case .maxPool = operation { true } else { false } }
}

extension ConvolutionSpec {
  var multiplierKey: String { "\(key).multiplier" }
  var offsetKey: String { "\(key).offset" }
  var weightScaleKey: String { "\(key).weight_scale" }

  /// - Parameter input: nil for a map of floats, or pixels.
  fileprivate func prepareBytes(
    _ weights: WeightTable, isFirst: Bool, input: MapQuantization?, residual: QuantizedOutput.Residual,
    output: MapQuantization?, in memory: WeightMemory
  ) throws(Failure) -> any Operation {
    let length = shape.rowLength
    guard isFirst || input != nil else {
      return try ExactLinear(
        outputs: shape.outputs, inputs: shape.inputs, bias: weights.values(biasKey), activation: activation,
        in: memory, weights: scaledRows(weights))
    }
    let output = try QuantizedOutput(
      multiplier: weights.values(multiplierKey), offset: weights.values(offsetKey), activation: activation,
      residual: residual, output: output)
    guard let input else {
      return try PixelConvolution(
        shape, weights: weights.integers(weightKey, length: length, limit: QuantizedMatrix.largestWord),
        border: weights.values(Graph.borderKey), output: output)
    }
    if shape.isDepthwise {
      return try QuantizedDepthwiseConvolution(
        shape, weights: weights.integers(weightKey, length: length, limit: .max), zeros: input.zeros, output: output)
    }
    return try QuantizedConvolution(
      shape, weights: weights.integers(weightKey, length: length), zeros: input.zeros, output: output, in: memory)
  }

  /// Rows of integers within +-127 as floats, each row times its scale.
  private func scaledRows(_ weights: WeightTable) throws(Failure) -> WeightRows {
    let length = shape.rowLength
    let integers = try weights.integers(weightKey, length: length)
    let scales = try weights.values(weightScaleKey)
    guard scales.allSatisfy({ $0 >= 0 && $0 < .infinity }) else {
      throw Failure(.format, "the tensor \(weightScaleKey) holds a scale that is negative or not finite")
    }
    return { (outputs, rows) throws(Failure) in
      let values = try Buffer<Int16>(count: outputs.count * length, isBrief: true)
      try integers(outputs, values.base)
      for (row, output) in outputs.enumerated() {
        let scale = scales[output]
        for place in row &* length..<(row &+ 1) &* length { rows[place] = Float(values.base[place]) * scale }
      }
    }
  }
}
