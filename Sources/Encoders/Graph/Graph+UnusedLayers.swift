extension Graph {
  /// Without the layers that no level depends on: those after the last tap, for example.
  var withoutUnusedLayers: Graph {
    var isUsed = [Bool](repeating: false, count: layers.count + 1)
    for level in levels { isUsed[level] = true }
    for (index, layer) in layers.enumerated().reversed() where isUsed[index + 1] {
      for operand in layer.operands { isUsed[operand] = true }
    }
    var kept: [LayerSpec] = []
    // The number of each value among the kept layers'.
    var numbers = [0]
    for (index, layer) in layers.enumerated() {
      if isUsed[index + 1] { kept.append(layer.renumbered(numbers)) }
      numbers.append(kept.count)
    }
    return Graph(layers: kept, levels: levels.map { numbers[$0] })
  }
}
