import Basics
import Execution
import Layers

/// Makes an 8-bit encoder of a trained one of float32 (post-training quantization). What the bytes of each map stand for follows
/// from the values that good frames give.
package struct EncoderQuantizer {
  private let description: EncoderDescription
  private let weights: StateDictionary
  /// The mean that normalisation subtracts from pixels on the scale 0...1.
  private let mean: [Float]
  private let standardDeviation: [Float]
  private let encoder: Encoder
  private let graph: Graph
  private let origins: [Int]
  /// The statistics of each value of the float32 encoder.
  private var statistics: [MapStatistics]

  /// - Parameters:
  ///   - mean: by which pixels, on the scale 0...1, are normalised, together with the standard deviation.
  package init(
    _ description: EncoderDescription, weights: StateDictionary, mean: [Float], standardDeviation: [Float],
    workers: Workers
  ) throws(Failure) {
    guard description.precision == .float32 else {
      throw Failure(.invalidArgument, "the encoder is one of \(description.precision.rawValue) already")
    }
    (self.description, self.weights) = (description, weights)
    (self.mean, self.standardDeviation) = (mean, standardDeviation)
    encoder = try Encoder(description, weights: weights, workers: workers)
    (graph, origins) = try encoder.graph.withMapsOfBytes()
    statistics = [MapStatistics(channels: 3)] + encoder.graph.layers.map { MapStatistics(channels: $0.channels) }
  }

  /// The 8-bit encoder's description and tensors.
  ///
  /// Fails with `.diverged` when a map's values are not finite.
  ///
  /// - Parameter frames: calls its body with each good frame as height x width x 3 normalised floats. It is called twice.
  package mutating func quantize(
    height: Int, width: Int, workers: Workers,
    frames: ((UnsafeRawPointer) throws(Failure) -> Void) throws(Failure) -> Void
  ) throws(Failure) -> (EncoderDescription, StateDictionary) {
    let session = try EncoderSession(encoder, height: height, width: width, workers: workers)
    let plan = try EncoderPlan(encoder, height: height, width: width)
    let positions = plan.maps.map(\.grid.positions)
    var statistics = statistics
    try frames { (frame) throws(Failure) in
      session.run(frame) { value, values in
        statistics[value].addMoments(values.assumingMemoryBound(to: Float.self), positions: positions[value])
      }
    }
    guard statistics.allSatisfy(\.isFinite) else {
      throw Failure(
        .diverged, "the encoder gave a value that is not finite: its weights do not fit each other or the input")
    }
    try frames { (frame) throws(Failure) in
      session.run(frame) { value, values in
        statistics[value].addHistogram(values.assumingMemoryBound(to: Float.self), positions: positions[value])
      }
    }
    self.statistics = statistics
    return (
      EncoderDescription(
        architecture: description.architecture, padding: description.padding, taps: description.taps,
        precision: .int8),
      try tensors()
    )
  }
}

// MARK: Tensors

extension EncoderQuantizer {
  private func tensors() throws(Failure) -> StateDictionary {
    let kept = try WeightTable(encoder.graph.layers.flatMap(\.tensors)) { (key, shape) throws(Failure) in
      try weights.weights(key, shape: shape)
    }
    var tensors = StateDictionary()
    func add(_ key: String, _ shape: [Int], _ values: [Float]) throws(Failure) {
      // Adding 0 turns -0 into 0, since integers in a file have no negative zero.
      tensors[key] = try Tensor(shape: shape, values: values.map { $0 + 0 })
    }
    let border = mean.map { min(max(($0 * 255).rounded(), 0), 255) }
    try add(Graph.borderKey, [3], border)
    /// The scales and zeros of each value's channels.
    var quantizations: [ChannelRanges?] = [nil]
    for (index, layer) in graph.layers.enumerated() {
      let value = index + 1
      let ranges: ChannelRanges? =
        !graph.holdsBytes(value)
        ? nil : layer.keepsQuantization ? quantizations[layer.input] : self.ranges(value)
      quantizations.append(ranges)
      if let ranges, !layer.keepsQuantization {
        try add(graph.scaleKey(value), [layer.channels], ranges.scale)
        try add(graph.zeroKey(value), [layer.channels], ranges.zero)
      }
      guard case .convolution(let convolution) = layer.operation else {
        for (key, _) in layer.tensors { tensors[key] = weights[key] }
        continue
      }
      guard graph.holdsBytes(layer.input) else {
        let (integers, scale) = try rounded(convolution, layer, kept)
        try add(convolution.weightKey, convolution.weightTensor.shape, integers)
        try add(convolution.weightScaleKey, [convolution.shape.outputs], scale)
        tensors[convolution.biasKey] = weights[convolution.biasKey]
        continue
      }
      let quantized = try quantize(convolution, layer, kept, input: quantizations[layer.input])
      try add(convolution.weightKey, convolution.weightTensor.shape, quantized.weights)
      try add(convolution.multiplierKey, [convolution.shape.outputs], quantized.multiplier)
      try add(convolution.offsetKey, [convolution.shape.outputs], quantized.offset)
    }
    return tensors
  }

  /// What the bytes of a value stand for. Where only depthwise convolutions read it, each channel has a range of its own, which
  /// costs them nothing; else all have one.
  private func ranges(_ value: Int) -> ChannelRanges {
    let statistics = statistics[origins[value]]
    let channels = graph.layers[value - 1].channels
    if isReadByChannels(value) {
      return ChannelRanges(zip(statistics.lowest, statistics.highest).map { ($0, $1) })
    }
    return ChannelRanges(Array(repeating: statistics.leastSquaresRange, count: channels))
  }

  private func isReadByChannels(_ value: Int) -> Bool {
    let readers = graph.layers.filter { $0.operands.contains(value) }
    return readers.allSatisfy { layer in
      if case .convolution(let convolution) = layer.operation { convolution.shape.isDepthwise } else { false }
    }
  }

  private typealias QuantizedWeights = (weights: [Float], multiplier: [Float], offset: [Float])

  private func quantize(
    _ convolution: ConvolutionSpec, _ layer: LayerSpec, _ table: WeightTable, input: ChannelRanges?
  ) throws(Failure) -> QuantizedWeights {
    let shape = convolution.shape
    let length = shape.rowLength
    let values = try table.values(convolution.weightKey)
    let (scale, offset): ([Float], [Float])
    if let norm = convolution.norm {
      (scale, offset) = try table.affine(norm)
    } else {
      scale = Array(repeating: 1, count: shape.outputs)
      offset = try convolution.hasBias ? table.values(convolution.biasKey) : scale.map { _ in 0 }
    }
    // Inputs as bytes stand for (byte - zero) * scale, pixels for (byte / 255 - mean) / deviation.
    let scales = input?.scale.map { Double($0) } ?? standardDeviation.map { 1 / (255 * Double($0)) }
    let statistics = statistics[origins[layer.input]]
    let (means, squares) = (statistics.means, statistics.meanSquares)
    let (taps, groupInputs) = (shape.window.taps, shape.inputs / shape.groups)
    // Pixels' and depthwise weights have 16 bits.
    let (limit, room): (Int16, Int?) =
      input == nil
      ? (QuantizedMatrix.largestWord, Int(Int32.max) / 255)
      : shape.isDepthwise ? (.max, QuantizedDepthwiseConvolution.largestWeightSum) : (127, nil)
    var quantized: QuantizedWeights = ([], [], [])
    quantized.weights.reserveCapacity(values.count)
    var row = RowRounding(count: length)
    for output in 0..<shape.outputs {
      let firstInput = output / (shape.outputs / shape.groups) * groupInputs
      row.round(
        values[output * length..<(output + 1) * length], taps: taps, firstInput: firstInput, scales: scales,
        squares: squares, limit: limit, room: room)
      for integer in row.integers { quantized.weights.append(Float(integer)) }
      let gamma = Double(scale[output])
      quantized.multiplier.append(Float(row.step * gamma))
      // Keeps the mean of the sums what it was: where inputs are not around 0, the rounding errors of weights do not average out.
      var shift = 0.0
      for i in 0..<length {
        let input = firstInput + i / taps
        shift -= (row.integers[i] * row.step - row.weights[i]) * means[input] / scales[input]
      }
      if input == nil {
        // Pixels have no zero. The zero of their normalisation is part of the offset.
        for i in 0..<length { shift -= row.integers[i] * row.step * Double(mean[firstInput + i / taps]) * 255 }
      }
      quantized.offset.append(Float(Double(offset[output]) + shift * gamma))
    }
    return quantized
  }
}

extension EncoderQuantizer {
  /// The weights of a layer that multiplies floats, as integers within +-127 and what each output's are to be multiplied with.
  private func rounded(
    _ convolution: ConvolutionSpec, _ layer: LayerSpec, _ table: WeightTable
  ) throws(Failure) -> (integers: [Float], scale: [Float]) {
    let length = convolution.shape.rowLength
    let values = try table.values(convolution.weightKey)
    let squares = statistics[origins[layer.input]].meanSquares
    let ones = [Double](repeating: 1, count: length)
    var row = RowRounding(count: length)
    var (integers, scale): ([Float], [Float]) = ([], [])
    for output in 0..<convolution.shape.outputs {
      row.round(
        values[output * length..<(output + 1) * length], taps: 1, firstInput: 0, scales: ones, squares: squares)
      for integer in row.integers { integers.append(Float(integer)) }
      scale.append(Float(row.step))
    }
    return (integers, scale)
  }
}

/// Scales and zeros of a map's channels.
private struct ChannelRanges {
  private(set) var scale: [Float] = []
  private(set) var zero: [Float] = []

  /// - Parameter ranges: the range of each channel's values.
  init(_ ranges: [(low: Float, high: Float)]) {
    for range in ranges {
      let (low, high) = (min(range.low, 0), max(range.high, 0))
      let step = max((high - low) / 255, 1e-12)
      scale.append(step)
      zero.append(min(max((-low / step).rounded(), 0), 255))
    }
  }
}
