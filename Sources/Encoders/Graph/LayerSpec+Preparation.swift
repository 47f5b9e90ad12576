import Basics
import Layers

extension LayerSpec {
  /// Reads and packs the weights, and makes the operation. May be called on any thread.
  ///
  /// - Parameter memory: for the weights.
  func prepare(_ weights: WeightTable, in memory: WeightMemory) throws(Failure) -> any Operation {
    switch operation {
    case .convolution(let convolution): return try convolution.prepare(weights, in: memory)
    case .batchNorm(let norm):
      let (scale, offset) = try weights.affine(norm)
      return ChannelNorm(scale: try SharedFloats(scale), offset: try SharedFloats(offset))
    case .activation: throw Failure(.unsupported, "there is no kernel for an activation by itself")
    case .add: return Addition()
    case .maxPool(let window): return MaxPooling(window)
    case .globalAverage: return GlobalAverage()
    case .channelScale: return ChannelScale()
    case .layerNorm(let key, let epsilon):
      return TokenNorm(
        weight: try SharedFloats(weights.values("\(key).weight")),
        bias: try SharedFloats(weights.values("\(key).bias")), epsilon: epsilon)
    case .attention(let heads): return Attention(heads: heads)
    case .tokens(let classToken, let positions, let side):
      return try TokenAssembly(
        classToken: weights.values(classToken), positions: weights.values(positions), side: side)
    case .patchTokens: return PatchTokens()
    case .quantize: throw Failure(.unsupported, "an encoder of float32 has no bytes")
    }
  }
}

extension ConvolutionSpec {
  fileprivate func prepare(_ weights: WeightTable, in memory: WeightMemory) throws(Failure) -> any Operation {
    let (scale, bias): ([Float]?, [Float]) =
      if let norm {
        try weights.affine(norm)
      } else {
        (nil, try hasBias ? weights.values(biasKey) : [Float](repeating: 0, count: shape.outputs))
      }
    return try algorithm.prepare(
      shape, weights: weights.rows(weightKey, length: shape.rowLength),
      epilogue: Epilogue(scale: scale, bias: bias, activation: activation), in: memory)
  }
}
