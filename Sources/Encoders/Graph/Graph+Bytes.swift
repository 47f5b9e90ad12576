import Basics

extension Graph {
  /// The graph with maps of bytes, to be computed with 8-bit weights from pixels. Features stay floats, as they come from the sums,
  /// and so do the vectors of squeeze-excite. Where bytes of features are needed too, a layer of their own makes them.
  ///
  /// Fails with `.unsupported` for layers that there is no 8-bit form of.
  ///
  /// - Returns: `origins` has, for each value of the new graph, the value of this one whose bytes or floats it is.
  func withMapsOfBytes() throws(Failure) -> (graph: Graph, origins: [Int]) {
    var graph = Graph()
    var origins = [0]
    // For each value, which of the new values holds its floats, and which its bytes.
    var floats: [Int?] = [nil]
    var bytes: [Int?] = [0]
    let vectors = vectors
    func add(_ layer: LayerSpec, _ origin: Int) -> Int {
      origins.append(origin)
      graph.layers.append(layer)
      return graph.layers.count
    }
    func asBytes(_ value: Int) -> Int {
      if let known = bytes[value] { return known }
      let made = add(
        LayerSpec(
          operation: .quantize, input: floats[value] ?? 0, channels: layers[value - 1].channels, element: .uint8),
        value)
      bytes[value] = made
      return made
    }
    for (index, layer) in layers.enumerated() {
      var layer = layer
      let value = index + 1
      switch layer.operation {
      case .convolution:
        layer.input = vectors[layer.input] ? floats[layer.input] ?? 0 : asBytes(layer.input)
      case .maxPool, .globalAverage, .channelScale: layer.input = asBytes(layer.input)
      case .add, .batchNorm: layer.input = floats[layer.input] ?? asBytes(layer.input)
      case .activation, .layerNorm, .attention, .tokens, .patchTokens, .quantize:
        throw Failure(
          .unsupported, "this encoder has layers that are not computed in 8 bits: vision transformers stay in float32")
      }
      // The addend is read as floats where it exists as such, which is more exact.
      layer.second = layer.second.map { floats[$0] ?? asBytes($0) }
      let isFloat = levels.contains(value) || vectors[value]
      layer.element = isFloat ? .float32 : .uint8
      let number = add(layer, value)
      floats.append(isFloat ? number : nil)
      bytes.append(isFloat ? nil : number)
    }
    graph.levels = levels.map { floats[$0] ?? 0 }
    return (graph, origins)
  }

  /// For each value whether it is a map of 1 x 1: the means of channels, and what is computed from them.
  private var vectors: [Bool] {
    var vectors = [false]
    for layer in layers {
      switch layer.operation {
      case .globalAverage: vectors.append(true)
      case .convolution: vectors.append(vectors[layer.input])
      default: vectors.append(false)
      }
    }
    return vectors
  }
}
