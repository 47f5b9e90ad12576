import Basics
import Kernels
import Layers

extension CouplingBlock where Layer == DynamicLinear {
  /// Block `index` of a flow of 8 bits: see ``QuantizedFlow``. Weights in float32 are rounded first.
  init(
    quantizing weights: StateDictionary, block index: Int, _ description: FlowDescription, grid: Grid,
    encoding: SharedFloats, memory: WeightMemory
  ) throws(Failure) {
    var weights = weights
    try QuantizedFlow.quantize(&weights, block: index, description)
    let channels = grid.channels
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    let key = "module_list.\(index)"
    let tables = try Self.conditionTables(shape, grid, encoding)
    layer1 = try Self.layer1(weights, "\(key).subnet.0", shape, tables, memory)
    (rowBias, columnBias) = tables.constants

    let factors = Self.factors(shape, description)
    let bias = try weights.values("\(key).subnet.2.bias", shape: [2 * shape.x2Count])
    layer2 = try Self.layer(
      weights, "\(key).subnet.2.weight", shape: shape.weight2, of: .nonnegative,
      bias: zip(bias, factors).map { Float(Double($0) * $1) }, factors: factors, memory)
    let affine = try GlobalAffineValues(weights, key, channels: channels)
    logScale = affine.logScale
    let isLast = index == description.blockCount - 1
    let mixingKey = QuantizedFlow.mixingKey(index)
    if description.permutation == .soft, let signs = try QuantizedFlow.signs(weights, block: index, channels: channels)
    {
      mixing = try affine.hadamard(signs: signs)
      return
    }
    switch description.permutation {
    case .hard: mixing = try Self.permutation(weights, "\(key).w_perm", affine, isLast: isLast)
    case .soft where isLast && weights["\(mixingKey).weight"] == nil: mixing = try affine.last()
    case .soft:
      mixing = .rotation(
        try Self.layer(
          weights, "\(mixingKey).weight", shape: [channels, channels], of: .signed,
          bias: weights.values("\(mixingKey).bias", shape: [channels]), memory))
    }
  }

  private static func layer1(
    _ weights: StateDictionary, _ key: String, _ shape: BlockShape, _ tables: ConditionTables, _ memory: WeightMemory
  ) throws(Failure) -> Layer {
    let weightKey = "\(key).weight"
    let (inputs, conditions) = (shape.subnetInputs, shape.conditionChannels)
    let rows = integerRows(of: try weights.weights(weightKey, shape: shape.weight1), length: inputs)
    let bias = try weights.values("\(key).bias", shape: [shape.hidden])
    let scales = try QuantizedFlow.scales(
      weights, of: weightKey, shape: conditions > 0 ? [shape.hidden, 2] : [shape.hidden])
    // Rows of integers: those of the fiber, then those of the condition.
    let panel = try Buffer<Int16>(count: Layer.panelWidth * inputs, isBrief: true)
    let floats = try FloatBuffer(count: Layer.panelWidth * conditions, isBrief: true)
    return try Layer(
      outputs: shape.hidden, inputs: shape.x1Count, of: .signed, in: memory,
      scales: conditions > 0 ? (0..<shape.hidden).map { scales[2 * $0] } : scales
    ) { (outputs, target) throws(Failure) in
      try rows(outputs, panel.base)
      for (i, output) in outputs.enumerated() {
        let row = panel.base + i &* inputs
        (target + i &* shape.x1Count).update(from: row, count: shape.x1Count)
        guard conditions > 0 else { continue }
        let scale = scales[2 &* output &+ 1]
        for j in 0..<conditions { floats.base[i &* conditions &+ j] = Float(row[shape.x1Count &+ j]) * scale }
      }
      tables.set(outputs, bias: bias, weights: floats.base, weightStride: conditions)
    }
  }

  /// - Parameter factors: what outputs are multiplied with.
  private static func layer(
    _ weights: StateDictionary, _ key: String, shape: [Int], of kind: DynamicLinear.Inputs, bias: [Float],
    factors: [Double]? = nil, _ memory: WeightMemory
  ) throws(Failure) -> Layer {
    var scales = try QuantizedFlow.scales(weights, of: key, shape: [shape[0]])
    if let factors { scales = zip(scales, factors).map { Float(Double($0) * $1) } }
    let rows = integerRows(of: try weights.weights(key, shape: shape), length: shape[1])
    return try Layer(
      outputs: shape[0], inputs: shape[1], of: kind, bias: bias, in: memory, scales: scales, rows: rows)
  }
}
