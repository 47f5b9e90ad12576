import Basics
import Kernels

/// A frozen image encoder: a chain of layers with prepared weights. Immutable; sessions run it.
package final class Encoder: Sendable {
  package let description: EncoderDescription
  /// State-dict keys that the architecture reads; others in a checkpoint (classifier heads) are of no use here.
  package let usedKeys: [String]
  let layers: [Layer]
  /// The value of each level, finest first.
  let levels: [Int]

  /// - Parameters:
  ///   - inputSize: what to choose the fastest forms of layers for; other sizes work too. nil: plain forms.
  ///   - workers: who prepare the layers, each one of them whole; nil: the calling thread.
  ///
  /// Fails with `.unsupported` for an unknown architecture, with `.format` for tensors that are missing or of
  /// another shape.
  package convenience init(
    _ description: EncoderDescription, weights: StateDictionary, inputSize: EncoderInputSize? = nil,
    workers: Workers? = nil
  ) throws(Failure) {
    try self.init(description, inputSize: inputSize, workers: workers) { (key, shape) throws(Failure) in
      try weights.weights(key, shape: shape)
    }
  }

  /// The same with weights from anywhere.
  init(
    _ description: EncoderDescription, inputSize: EncoderInputSize? = nil, workers: Workers? = nil,
    source: @escaping EncoderBuilder.Source
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
    var builder = EncoderBuilder(
      padding: description.padding, normEpsilon: architecture.normEpsilon, taps: taps, inputSize: inputSize,
      source: source)
    do { try architecture.build(&builder) } catch { throw error.within("encoder") }
    var levels: [Int] = []
    for tap in taps {
      guard let value = builder.tapped[tap] else {
        throw Failure(.unsupported, "\(architecture.name) declares no features at \(tap)")
      }
      levels.append(value.index)
    }
    // What an architecture declares after the last tap serves nobody.
    let declared = builder.layers.prefix(levels.max() ?? 0)
    do throws(Failure) {
      let workers = if let workers { workers } else { try Workers(count: 1) }
      layers = try workers.map(declared.count) { (index) throws(Failure) in
        let layer = declared[index]
        return Layer(operation: try layer.operation(), input: layer.input, second: layer.second)
      }
    } catch { throw error.within("encoder") }
    builder.memory.close()
    self.description = description
    self.usedKeys = builder.usedKeys
    self.levels = levels
  }

  /// Names of the modules where the original system takes an architecture's features, finest first.
  package static func taps(architecture: String) throws(Failure) -> [String] {
    try Architecture.named(architecture).taps
  }

  /// Of the same blocks the outputs, behind the residual that the original's features leave out; nil when its features are
  /// such outputs already.
  package static func residualTaps(architecture: String) throws(Failure) -> [String]? {
    try Architecture.named(architecture).residualTaps
  }

  /// The grid of each level for an input size, finest first.
  package func levelGrids(height: Int, width: Int) throws(Failure) -> [Grid] {
    let plan = try EncoderPlan(self, height: height, width: width)
    return levels.map { plan.grids[$0] }
  }
}
