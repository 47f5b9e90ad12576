import Basics
import Kernels
import Layers

/// A coupling block prepared for scoring on one grid, with all constants folded: the condition's share of the first
/// layer is a bias by row plus one by column; the factor 0.1 and the scaled clamp's 1/alpha are in the second layer;
/// the global affine is in the rotation.
struct CouplingBlock<Layer: FlowLayer>: Sendable {
  /// The subnet's first layer without the condition: H x n1.
  let layer1: Layer
  /// The first layer's bias with the row's share of the condition: one vector for each row of the grid, of the length
  /// that ``RowBias`` needs.
  let rowBias: SharedFloats
  /// The column's share of the condition: one vector for each column of the grid.
  let columnBias: SharedFloats
  /// The subnet's second layer: 2 n2 x H.
  let layer2: Layer
  let mixing: AffineMixing
  /// sum(ln g).
  let logScale: Double

  /// What follows the coupling: the global affine and the mixing in one.
  enum AffineMixing: Sendable {
    /// y = (W diag(g)) u + W o.
    case rotation(Layer)
    /// y = H (u * scale + offset), with the signs of a ``HadamardRotation`` and 1 / sqrt(C) in scale and offset.
    case hadamard(scale: SharedFloats, offset: SharedFloats)
    /// y[i] = u[permutation[i]] * g[permutation[i]] + o[permutation[i]]; scale and offset already permuted.
    case permutation([Int32], scale: SharedFloats, offset: SharedFloats)
    /// After the last block only the length of z matters, which mixing does not change: z = u * g + o. (A last rotation
    /// that is so inexact that it changes lengths is applied like the others.)
    case last(scale: SharedFloats, offset: SharedFloats)
  }

  /// The global affine if the mixing is left out.
  var lastAffine: (scale: SharedFloats, offset: SharedFloats)? {
    if case .last(let scale, let offset) = mixing { (scale, offset) } else { nil }
  }

  /// What a block's second layer is multiplied with: 0.1, and before a scaled clamp 1/alpha.
  static func factors(_ shape: BlockShape, _ description: FlowDescription) -> [Double] {
    let clampFactor = description.clamp == .scaledTanh ? 1 / Double(description.clampAlpha) : 1
    return (0..<2 * shape.x2Count).map { 0.1 * ($0 < shape.x2Count ? clampFactor : 1) }
  }

  /// The global affine of a block: u g + o.
  struct GlobalAffineValues {
    let scale: [Double]
    let offset: [Float]
    /// sum(ln g).
    var logScale: Double { scale.reduce(0) { $0 + PortableMath.log($1) } }

    init(_ weights: StateDictionary, _ key: String, channels: Int) throws(Failure) {
      scale = try weights.values("\(key).global_scale", shape: [1, channels]).map(BlockParameters.scale)
      offset = try weights.values("\(key).global_offset", shape: [1, channels])
    }

    /// With a ``HadamardRotation`` behind.
    func hadamard(signs: [Float]) throws(Failure) -> AffineMixing {
      let factor = 1 / Double(signs.count).squareRoot()
      return .hadamard(
        scale: try SharedFloats(zip(scale, signs).map { Float($0 * Double($1) * factor) }),
        offset: try SharedFloats(zip(offset, signs).map { Float(Double($0) * Double($1) * factor) }))
    }

    func last() throws(Failure) -> AffineMixing {
      .last(scale: try SharedFloats(scale.map { Float($0) }), offset: try SharedFloats(offset))
    }
  }

  /// - Parameter encoding: as for ``ConditionTables``.
  static func conditionTables(
    _ shape: BlockShape, _ grid: Grid, _ encoding: SharedFloats
  ) throws(Failure) -> ConditionTables {
    try ConditionTables(
      grid, hidden: shape.hidden, stride: Layer.paddedOutputs(shape.hidden), encoding: encoding,
      conditionChannels: shape.conditionChannels, on: Layer.arithmetic)
  }

  static func permutation(
    _ weights: StateDictionary, _ key: String, _ affine: GlobalAffineValues, isLast: Bool
  ) throws(Failure) -> AffineMixing {
    let indices = try Mixing.indices(key, of: weights, channels: affine.scale.count)
    if isLast { return try affine.last() }
    return .permutation(
      indices, scale: try SharedFloats(indices.map { Float(affine.scale[Int($0)]) }),
      offset: try SharedFloats(indices.map { affine.offset[Int($0)] }))
  }
}

extension CouplingBlock where Layer == Linear {
  /// Block `index` of a flow, whose weights have the keys and layouts of ``BlockParameters``.
  ///
  /// - Parameters:
  ///   - encoding: as for ``ConditionTables``.
  ///   - memory: for the weights.
  init(
    _ weights: StateDictionary, block index: Int, _ description: FlowDescription, grid: Grid,
    encoding: SharedFloats, memory: WeightMemory
  ) throws(Failure) {
    let shape = BlockShape(channels: grid.channels, conditionChannels: description.conditionChannels)
    let key = "module_list.\(index)"
    let tables = try Self.conditionTables(shape, grid, encoding)
    layer1 = try Self.layer1(weights, "\(key).subnet.0", shape, tables, memory)
    (rowBias, columnBias) = tables.constants
    layer2 = try Self.layer2(weights, "\(key).subnet.2", shape, description, memory)
    let affine = try GlobalAffineValues(weights, key, channels: grid.channels)
    logScale = affine.logScale
    mixing = try Self.mixing(
      weights, "\(key).w_perm", affine, description.permutation, isLast: index == description.blockCount - 1, memory)
  }

  private static func layer1(
    _ weights: StateDictionary, _ key: String, _ shape: BlockShape, _ tables: ConditionTables, _ memory: WeightMemory
  ) throws(Failure) -> Layer {
    let reader = try weights.weights("\(key).weight", shape: shape.weight1).reader()
    let bias = try weights.values("\(key).bias", shape: [shape.hidden])
    // Rows of weights: those of the fiber, then those of the condition.
    let panel = try FloatBuffer(count: Layer.panelWidth * shape.subnetInputs, isBrief: true)
    return try Layer(outputs: shape.hidden, inputs: shape.x1Count, in: memory) {
      (outputs, rows) throws(Failure) in
      try reader.read(outputs.count * shape.subnetInputs, into: panel.base)
      for i in 0..<outputs.count {
        (rows + i &* shape.x1Count).update(from: panel.base + i &* shape.subnetInputs, count: shape.x1Count)
      }
      tables.set(outputs, bias: bias, weights: panel.base + shape.x1Count, weightStride: shape.subnetInputs)
    }
  }

  private static func layer2(
    _ weights: StateDictionary, _ key: String, _ shape: BlockShape, _ description: FlowDescription,
    _ memory: WeightMemory
  ) throws(Failure) -> Layer {
    let factors = factors(shape, description)
    let bias = try weights.values("\(key).bias", shape: [2 * shape.x2Count])
    let reader = try weights.weights("\(key).weight", shape: shape.weight2).reader()
    return try Layer(
      outputs: 2 * shape.x2Count, inputs: shape.hidden,
      bias: zip(bias, factors).map { Float(Double($0) * $1) }, in: memory
    ) { (outputs, rows) throws(Failure) in
      try reader.read(outputs.count * shape.hidden, into: rows)
      for (i, output) in outputs.enumerated() {
        multiply(rows + i &* shape.hidden, count: shape.hidden, by: factors[output])
      }
    }
  }

  private static func mixing(
    _ weights: StateDictionary, _ key: String, _ affine: GlobalAffineValues,
    _ permutation: FlowDescription.Permutation, isLast: Bool, _ memory: WeightMemory
  ) throws(Failure) -> AffineMixing {
    guard permutation == .soft else { return try Self.permutation(weights, key, affine, isLast: isLast) }
    let channels = affine.scale.count
    let (rotated, isExact) = try Mixing.rotate(affine.offset.map(Double.init), by: key, of: weights)
    if isLast && isExact { return try affine.last() }
    let bias = rotated.map { Float($0) }
    let reader = try weights.weights(key, shape: [channels, channels]).reader()
    let map = try Layer(outputs: channels, inputs: channels, bias: bias, in: memory) {
      (outputs, rows) throws(Failure) in
      try reader.read(outputs.count * channels, into: rows)
      for i in 0..<outputs.count { multiply(rows + i &* channels, count: channels, by: affine.scale) }
    }
    return .rotation(map)
  }
}
