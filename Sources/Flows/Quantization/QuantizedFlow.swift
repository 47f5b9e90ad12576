import Basics
import Layers

/// The flow weights of a detector of 8 bits: integers, with a scale for each row, or part of a row. The file holds the numbers that
/// are computed with, so that a detector that was saved and opened gives the same scores. `docs/model-format.md` has the tensors.
package enum QuantizedFlow {
  /// Follows the key of a tensor of integers in the key of its scales.
  static let scaleSuffix = "_scale"

  /// The key of a tensor that only quantized blocks have, in place of `w_perm`: the rotation times the block's gains.
  static func mixingKey(_ index: Int) -> String { "module_list.\(index).mixing" }

  /// The key of the signs of a ``HadamardRotation``, which a quantized block has in place of these.
  static func signsKey(_ index: Int) -> String { "\(mixingKey(index)).signs" }

  /// The signs of a block's rotation; nil unless it has them.
  static func signs(_ weights: StateDictionary, block index: Int, channels: Int) throws(Failure) -> [Float]? {
    let key = signsKey(index)
    guard weights[key] != nil else { return nil }
    let signs = try weights.values(key, shape: [channels])
    guard HadamardRotation.isPossible(channels: channels), signs.allSatisfy({ abs($0) == 1 }),
      weights["\(mixingKey(index)).weight"] == nil
    else {
      throw Failure(.format, "the tensor \(key) are no signs of a Hadamard rotation, or there is another rotation")
    }
    return signs
  }

  static func isQuantized(_ weights: StateDictionary, block index: Int) -> Bool {
    weights["module_list.\(index).subnet.0.weight" + scaleSuffix] != nil
  }

  /// Whether any tensor is one of integers with scales.
  static func isAnyQuantized(_ weights: StateDictionary, _ description: FlowDescription) -> Bool {
    GaussianParameters.isQuantized(weights)
      || (0..<description.blockCount).contains { isQuantized(weights, block: $0) }
  }

  /// The weights in integers. What is in integers already stays as it is, so that nothing is rounded twice.
  package static func weights(
    _ weights: StateDictionary, _ description: FlowDescription
  ) throws(Failure) -> StateDictionary {
    var weights = weights
    if description.start == .gaussian { try GaussianParameters.quantize(&weights) }
    for index in 0..<description.blockCount { try quantize(&weights, block: index, description) }
    return weights
  }

  /// Rounds the weights of a coupling block, unless they are integers already.
  static func quantize(
    _ weights: inout StateDictionary, block index: Int, _ description: FlowDescription
  ) throws(Failure) {
    guard !isQuantized(weights, block: index) else { return }
    let key = "module_list.\(index)"
    let channels = weights["\(key).global_scale"]?.shape.last ?? 0
    let scale = try weights.values("\(key).global_scale", shape: [1, channels]).map(BlockParameters.scale)
    let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
    // The fiber's weights and the condition's are of different sizes.
    let parts = [shape.x1Count, shape.conditionChannels].filter { $0 > 0 }
    try quantize(&weights, "\(key).subnet.0.weight", shape: shape.weight1, parts: parts)
    try quantize(&weights, "\(key).subnet.2.weight", shape: shape.weight2)
    guard description.permutation == .soft else { return }
    let rotationKey = "\(key).w_perm"
    let square = [channels, channels]
    let offset = try weights.values("\(key).global_offset", shape: [1, channels])
    let (rotated, isExact) = try Mixing.rotate(offset.map(Double.init), by: rotationKey, of: weights)
    let isLeftOut = index == description.blockCount - 1 && isExact
    if !isLeftOut,
      let signs = try HadamardRotation.signs(
        of: try weights.weights(rotationKey, shape: square), channels: channels)
    {
      weights[signsKey(index)] = try Tensor(shape: [channels], integers: signs.map { Int8($0) })
    } else if !isLeftOut {
      let mixingKey = mixingKey(index)
      weights["\(mixingKey).weight"] = weights[rotationKey]
      try quantize(&weights, "\(mixingKey).weight", shape: square) { row in
        multiply(row, count: channels, by: scale)
      }
      weights["\(mixingKey).bias"] = try Tensor(shape: [channels], values: rotated.map { Float($0) })
    }
    weights[rotationKey] = nil
    weights["\(rotationKey)_inv"] = nil
  }

  /// Rounds the rows of a matrix, each part of a row by itself.
  ///
  /// - Parameter change: what is done to a row before.
  private static func quantize(
    _ weights: inout StateDictionary, _ key: String, shape: [Int], parts: [Int]? = nil,
    change: (UnsafeMutablePointer<Float>) -> Void = { _ in }
  ) throws(Failure) {
    let (rows, columns) = (shape[0], shape[1])
    let parts = parts ?? [columns]
    let reader = try weights.weights(key, shape: shape).reader()
    try checkMemory(for: rows * columns, of: Int8.self)
    var integers: [Int8] = []
    integers.reserveCapacity(rows * columns)
    var scales: [Float] = []
    let row = try FloatBuffer(count: columns, isBrief: true)
    let rounded = try Buffer<Int16>(count: columns, isBrief: true)
    for _ in 0..<rows {
      try reader.read(columns, into: row.base)
      change(row.base)
      var start = 0
      for count in parts {
        scales.append(DynamicLinear.quantize(row.base + start, count: count, into: rounded.base + start))
        start += count
      }
      for column in 0..<columns { integers.append(Int8(truncatingIfNeeded: rounded.base[column])) }
    }
    guard scales.allSatisfy(\.isFinite) else {
      throw Failure(.format, "the tensor \(key) has weights that are too large for 8 bits")
    }
    weights[key] = try Tensor(shape: shape, integers: integers)
    weights[key + scaleSuffix] = try Tensor(
      shape: parts.count > 1 ? [rows, parts.count] : [rows], values: scales)
  }

  /// The scales of a tensor of integers, which must not be negative.
  static func scales(_ weights: StateDictionary, of key: String, shape: [Int]) throws(Failure) -> [Float] {
    let scales = try weights.values(key + scaleSuffix, shape: shape)
    guard scales.allSatisfy({ $0 >= 0 }) else {
      throw Failure(.format, "a value of the tensor \(key + scaleSuffix) is negative")
    }
    return scales
  }
}
