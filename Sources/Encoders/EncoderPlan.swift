import Basics
import Kernels

/// An encoder at one input size: the shape of every value, the plan of every layer, and where every value lies in one arena.
struct EncoderPlan {
  /// The shape of each value. Value 0 is the input, which belongs to the caller and has no place in the arena.
  let maps: [MapShape]
  private(set) var steps: [any Step] = []
  /// The places of all values but the input.
  let arena: ArenaPlan

  init(_ encoder: Encoder, height: Int, width: Int) throws(Failure) {
    var maps = [MapShape(Grid(height: height, width: width, channels: 3))]
    for (layer, operation) in zip(encoder.graph.layers, encoder.operations) {
      let step = try operation.step(maps[layer.input].grid, second: layer.second.map { maps[$0].grid })
      steps.append(step)
      maps.append(MapShape(step.output, element: layer.element))
    }
    self.maps = maps
    arena = ArenaPlan(encoder.graph.lifetimes(of: maps))
  }

  /// Bytes of all steps' tables.
  var tableBytes: Int { steps.reduce(0) { $0 + $1.tableBytes } }

  /// Bytes of scratch memory that the layers share.
  func scratchBytes(workers: Int) -> Int { steps.reduce(0) { max($0, $1.scratchBytes(workers: workers)) } }
}

extension Graph {
  /// The lifetimes of all values but the input: from the step that makes a value to the last one that reads it. A level is read
  /// after all layers.
  ///
  /// - Parameter maps: the shapes of all values, including the input.
  func lifetimes(of maps: [MapShape]) -> [ArenaPlan.Lifetime] {
    // A value that nobody reads lives until the step that writes it.
    var lastUses = [0] + layers.indices
    for (index, layer) in layers.enumerated() {
      for operand in layer.operands { lastUses[operand] = index }
    }
    for level in levels { lastUses[level] = layers.count }
    return layers.indices.map {
      ArenaPlan.Lifetime(byteCount: maps[$0 + 1].byteCount, steps: $0...lastUses[$0 + 1])
    }
  }
}
