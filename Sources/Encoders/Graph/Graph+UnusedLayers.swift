extension Graph {
  /// The graph without the layers that no level depends on, such as those behind the last tap.
  var withoutUnusedLayers: Graph {
    var isUsed = [Bool](repeating: false, count: layers.count + 1)
    for level in levels { isUsed[level] = true }
    for (index, layer) in layers.enumerated().reversed() where isUsed[index + 1] {
      for operand in layer.operands { isUsed[operand] = true }
    }
    var kept: [LayerSpec] = []
    // The index of each value in the smaller graph.
    var numbers = [0]
    for (index, layer) in layers.enumerated() {
      if isUsed[index + 1] { kept.append(layer.renumbered(numbers)) }
      numbers.append(kept.count)
    }
    return Graph(layers: kept, levels: levels.map { numbers[$0] })
  }
}
