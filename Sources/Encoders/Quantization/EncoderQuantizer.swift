import Basics
import Kernels

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
      session.run(frame) { value, values in statistics[value].addMoments(values, positions: positions[value]) }
    }
    guard statistics.allSatisfy(\.isFinite) else {
      throw Failure(
        .diverged, "the encoder gave a value that is not finite: its weights do not fit each other or the input")
    }
    try frames { (frame) throws(Failure) in
      session.run(frame) { value, values in statistics[value].addHistogram(values, positions: positions[value]) }
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
      guard case .convolution(let convolution) = layer.operation, graph.holdsBytes(layer.input) else {
        for (key, _) in layer.tensors { tensors[key] = weights[key] }
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
    var values = try table.values(convolution.weightKey)
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
    let groupInputs = shape.inputs / shape.groups
    var quantized: QuantizedWeights = ([], [], [])
    quantized.weights.reserveCapacity(values.count)
    for output in 0..<shape.outputs {
      let firstInput = output / (shape.outputs / shape.groups) * groupInputs
      func inputOf(_ i: Int) -> Int { firstInput + i / shape.window.taps }
      let row = (0..<length).map { Double(values[output * length + $0]) * scales[inputOf($0)] }
      let importance = (0..<length).map { input in
        let scale = scales[inputOf(input)]
        return squares[inputOf(input)] / (scale * scale) + 1e-12
      }
      let room: Int? =
        input == nil ? Int(Int32.max) / 255 : shape.isDepthwise ? QuantizedDepthwiseConvolution.largestWeightSum : nil
      let integers = IntegerWeights(row, importance: importance, room: room)
      quantized.weights += integers.weights.map { Float($0) }
      let gamma = Double(scale[output])
      quantized.multiplier.append(Float(integers.step * gamma))
      // Keeps the mean of the sums what it was: where inputs are not around 0, the rounding errors of weights do not average out.
      var shift = 0.0
      for i in 0..<length {
        let input = inputOf(i)
        shift -= (integers.weights[i] * integers.step - row[i]) * means[input] / scales[input]
      }
      if input == nil {
        // Pixels have no zero. The zero of their normalisation is part of the offset.
        for i in 0..<length {
          let input = inputOf(i)
          shift -= integers.weights[i] * integers.step * Double(mean[input]) * 255
        }
      }
      quantized.offset.append(Float(Double(offset[output]) + shift * gamma))
    }
    values = []
    return quantized
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

/// The weights of an output as integers times a step.
private struct IntegerWeights {
  private(set) var weights: [Double]
  private(set) var step: Double

  /// - Parameters:
  ///   - importance: how much the error of each input's weight counts: the mean square of the input.
  ///   - room: what the magnitudes of 16-bit weights may add up to; nil for weights of 8 bits, with the step that gives the least
  ///     error.
  init(_ row: [Double], importance: [Double], room: Int?) {
    let largest = row.reduce(0) { max($0, abs($1)) }
    guard largest > 0 else {
      (weights, step) = (row.map { _ in 0 }, 1)
      return
    }
    if let room {
      // Leaves half a step for each weight, which may be rounded up.
      let sum = row.reduce(0) { $0 + abs($1) }
      step = max(largest / 32_767, sum / (Double(room) - Double(row.count) / 2))
      weights = Self.rounded(row, step, 32_767)
      return
    }
    (weights, step) = ([], 0)
    var least = Double.infinity
    for part in stride(from: 1.0, to: 0.5, by: -0.02) {
      let step = largest * part / 127
      let weights = Self.rounded(row, step, 127)
      var error = 0.0
      for i in row.indices {
        let difference = weights[i] * step - row[i]
        error += difference * difference * importance[i]
      }
      if error < least { (least, self.weights, self.step) = (error, weights, step) }
    }
  }

  private static func rounded(_ row: [Double], _ step: Double, _ limit: Double) -> [Double] {
    row.map { min(max(($0 / step).rounded(.toNearestOrEven), -limit), limit) }
  }
}
