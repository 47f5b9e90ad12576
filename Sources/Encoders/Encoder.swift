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

  /// - Parameter inputSize: what to choose the fastest forms of layers for; other sizes work too. nil: plain forms.
  ///
  /// Fails with `.unsupported` for an unknown architecture, with `.format` for tensors that are missing or of
  /// another shape.
  package convenience init(
    _ description: EncoderDescription, weights: consuming StateDictionary, inputSize: EncoderInputSize? = nil
  ) throws(Failure) {
    // A tensor's memory may go when its weights are prepared.
    var rest = consume weights
    try self.init(description, inputSize: inputSize) { (key, shape) throws(Failure) in
      defer { rest[key] = nil }
      return try rest.values(key, shape: shape)
    }
  }

  /// The same with weights from anywhere.
  init(
    _ description: EncoderDescription, inputSize: EncoderInputSize? = nil, reader: @escaping EncoderBuilder.Reader
  ) throws(Failure) {
    let architecture = try Architecture.named(description.architecture)
    guard architecture.paddings.contains(description.padding) else {
      throw Failure(
        .unsupported, "\(architecture.name) with padding '\(description.padding.rawValue)' is not supported")
    }
    let taps = description.taps
    guard !taps.isEmpty, taps == Array(architecture.taps.suffix(taps.count)) else {
      throw Failure(
        .unsupported,
        "\(architecture.name) gives features at \(architecture.taps) or the last of these, not at \(taps)")
    }
    var builder = EncoderBuilder(
      padding: description.padding, normEpsilon: architecture.normEpsilon, taps: taps, inputSize: inputSize,
      reader: reader)
    do { try architecture.build(&builder) } catch { throw error.within("encoder") }
    var levels: [Int] = []
    for tap in taps {
      guard let value = builder.tapped[tap] else {
        throw Failure(.unsupported, "\(architecture.name) declares no features at \(tap)")
      }
      levels.append(value.index)
    }
    self.description = description
    self.usedKeys = builder.usedKeys
    // What an architecture declares after the last tap serves nobody.
    self.layers = Array(builder.layers.prefix(levels.max() ?? 0))
    self.levels = levels
  }

  /// Names of the modules where an architecture's features are taken, finest first.
  package static func taps(architecture: String) throws(Failure) -> [String] {
    try Architecture.named(architecture).taps
  }

  /// The grid of each level for an input size, finest first.
  package func levelGrids(height: Int, width: Int) throws(Failure) -> [Grid] {
    let plan = try EncoderPlan(self, height: height, width: width)
    return levels.map { plan.grids[$0] }
  }
}
