import Basics
import Layers

/// The way back, for training that goes on from a detector of 8 bits.
extension QuantizedFlow {
  /// The weights in float32. Rounding made the stored rotations inexact, so that the nearest orthogonal matrix is taken. The last
  /// block has no rotation in a file, because it would not change |z|: it gets the identity. A Gaussian stays as it is, since it is
  /// never trained further.
  package static func floats(
    _ weights: StateDictionary, _ description: FlowDescription
  ) throws(Failure) -> StateDictionary {
    var floats = weights
    for index in 0..<description.blockCount where isQuantized(weights, block: index) {
      let key = "module_list.\(index)"
      let channels = weights["\(key).global_scale"]?.shape.last ?? 0
      let scale = try weights.values("\(key).global_scale", shape: [1, channels]).map(BlockParameters.scale)
      let shape = BlockShape(channels: channels, conditionChannels: description.conditionChannels)
      let parts = [shape.x1Count, shape.conditionChannels].filter { $0 > 0 }
      for (name, shape, parts) in [("0", shape.weight1, parts), ("2", shape.weight2, [shape.hidden])] {
        let weightKey = "\(key).subnet.\(name).weight"
        floats[weightKey] = try Tensor(shape: shape, values: values(weights, weightKey, shape: shape, parts: parts))
        floats[weightKey + scaleSuffix] = nil
      }
      guard description.permutation == .soft else { continue }
      let (mixingKey, square) = (mixingKey(index), [channels, channels])
      var rotation = [Float](repeating: 0, count: channels * channels)
      if let signs = try signs(weights, block: index, channels: channels) {
        rotation = HadamardRotation.matrix(signs: signs)
        floats[signsKey(index)] = nil
      } else if weights["\(mixingKey).weight"] != nil {
        rotation = try values(weights, "\(mixingKey).weight", shape: square, parts: [channels])
        for place in rotation.indices { rotation[place] = Float(Double(rotation[place]) / scale[place % channels]) }
        try makeOrthogonal(&rotation, channels, "\(mixingKey).weight")
      } else if index == description.blockCount - 1 {
        for channel in 0..<channels { rotation[channel * (channels + 1)] = 1 }
      } else {
        throw Failure(.format, "the tensor \(mixingKey).weight is missing")
      }
      floats["\(key).w_perm"] = try Tensor(shape: square, values: rotation)
      for name in ["weight", "weight" + scaleSuffix, "bias"] { floats["\(mixingKey).\(name)"] = nil }
    }
    return floats
  }

  /// Integers times the scales of their rows' parts.
  private static func values(
    _ weights: StateDictionary, _ key: String, shape: [Int], parts: [Int]
  ) throws(Failure) -> [Float] {
    var values = try weights.values(key, shape: shape)
    let scales = try scales(weights, of: key, shape: parts.count > 1 ? [shape[0], parts.count] : [shape[0]])
    var place = 0
    for (index, scale) in scales.enumerated() {
      for _ in 0..<parts[index % parts.count] {
        values[place] *= scale
        place += 1
      }
    }
    return values
  }

  /// The orthogonal matrix nearest to one that rounding has changed: W <- 1.5 W - 0.5 W W^T W until nothing changes (Newton and
  /// Schulz). Fails with `.format` for a matrix that is far from any.
  private static func makeOrthogonal(_ matrix: inout [Float], _ size: Int, _ key: String) throws(Failure) {
    let product = try FloatBuffer(count: size * size)
    let cubes = try FloatBuffer(count: size * size)
    let scratch = try FloatBuffer(count: UnpackedMatrix.scratchCount)
    for _ in 0..<10 {
      let error = matrix.withUnsafeMutableBufferPointer { matrix in
        guard let base = matrix.baseAddress else { return Float.nan }
        UnpackedMatrix(base, rowStride: size, layout: .outputRows, inputs: size).multiply(
          base, xStride: size, rows: size, outputs: 0..<size, into: product.base, yStride: size,
          scratch: scratch.base)
        UnpackedMatrix(base, rowStride: size, layout: .inputRows, inputs: size).multiply(
          product.base, xStride: size, rows: size, outputs: 0..<size, into: cubes.base, yStride: size,
          scratch: scratch.base)
        var error: Float = 0
        for place in 0..<size * size {
          let wanted: Float = place % (size + 1) == 0 ? 1 : 0
          error = max(error, abs(product.base[place] - wanted))
          base[place] = 1.5 * base[place] - 0.5 * cubes.base[place]
        }
        return error
      }
      if error < 1e-5 { return }
      guard error < 1 else { break }
    }
    throw Failure(.format, "the tensor \(key) is not a rotation with the block's scales in it")
  }
}
