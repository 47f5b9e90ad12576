import Basics
import Execution
import Kernels
import Layers

/// A frozen image encoder: a graph of layers with prepared weights. Immutable; sessions run it.
package final class Encoder: Sendable {
  package let description: EncoderDescription
  /// The state-dict keys that the architecture reads. Others in a checkpoint, e.g. of classifier heads, are ignored.
  package let usedKeys: [String]
  let graph: Graph
  /// The operation of each layer of the graph.
  let operations: [any Operation]

  /// - Parameters:
  ///   - inputSize: the size for which the fastest algorithms are chosen; other sizes work too. Nil for algorithms that suit
  ///     any size.
  ///   - workers: prepare the layers, each worker one at a time; nil for the calling thread.
  ///
  /// Fails with `.unsupported` for an unknown architecture, with `.format` for tensors that are missing or of another shape.
  package convenience init(
    _ description: EncoderDescription, weights: StateDictionary, inputSize: EncoderInputSize? = nil,
    workers: Workers? = nil
  ) throws(Failure) {
    try self.init(description, inputSize: inputSize, workers: workers) { (key, shape) throws(Failure) in
      try weights.weights(key, shape: shape)
    }
  }

  /// Makes an encoder of weights that a closure gives.
  init(
    _ description: EncoderDescription, inputSize: EncoderInputSize? = nil, workers: Workers? = nil,
    source: WeightTable.Source
  ) throws(Failure) {
    let architecture = try Architecture.named(description.architecture)
    guard architecture.paddings.contains(description.padding) else {
      throw Failure(
        .unsupported, "\(architecture.name) with padding '\(description.padding.rawValue)' is not supported")
    }
    let taps = description.taps
    guard architecture.gives(taps) else {
      let behind = architecture.residualTaps.map { ", or behind the residual at \($0)," } ?? ""
      throw Failure(
        .unsupported,
        "\(architecture.name) gives features at \(architecture.taps)\(behind) or the last of these, not at \(taps)")
    }
    let declared = try architecture.graph(padding: description.padding, taps: taps)
    let fused = declared.withoutUnusedLayers.fusingEpilogues
    let isOfBytes = description.precision == .int8
    let graph = isOfBytes ? try fused.withMapsOfBytes().graph : fused.choosingAlgorithms(for: inputSize)
    let tensors = isOfBytes ? graph.byteTensors : declared.layers.flatMap(\.tensors)
    do throws(Failure) {
      let weights = try WeightTable(tensors, source: source)
      let memory = WeightMemory()
      let workers = if let workers { workers } else { try Workers(count: 1) }
      operations = try workers.map(graph.layers.count) { (index) throws(Failure) in
        isOfBytes
          ? try graph.prepareBytes(index, weights, in: memory) : try graph.layers[index].prepare(weights, in: memory)
      }
      memory.close()
    } catch { throw error.within("encoder") }
    self.description = description
    self.usedKeys = tensors.map(\.key)
    self.graph = graph
  }

  /// The names of the modules where the original system takes an architecture's features, finest first.
  package static func taps(architecture: String) throws(Failure) -> [String] {
    try Architecture.named(architecture).taps
  }

  /// The names of the outputs of the same blocks, behind the residual; nil when the original's features are such
  /// outputs already.
  package static func residualTaps(architecture: String) throws(Failure) -> [String]? {
    try Architecture.named(architecture).residualTaps
  }

  /// The grid of each level for an input size, finest first.
  package func levelGrids(height: Int, width: Int) throws(Failure) -> [Grid] {
    let plan = try EncoderPlan(self, height: height, width: width)
    return graph.levels.map { plan.maps[$0].grid }
  }
}
