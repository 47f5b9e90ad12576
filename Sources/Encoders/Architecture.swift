import Basics
import Layers

/// An encoder that the library knows: its layers, their state-dict keys, and where features are taken. Each has a file
/// in `Architectures`.
struct Architecture: Sendable {
  /// torchvision's or timm's name.
  let name: String
  /// The padding modes that the architecture is used with; the first is the original's.
  let paddings: [Padding]
  /// The modules whose outputs are the features in the original system, finest first: strides 8, 16 and 32, or a single
  /// grid in a vision transformer.
  let taps: [String]
  /// The outputs of the same blocks behind the residual, level by level, for networks whose ``taps`` are before it; nil
  /// when the taps are outputs of blocks already.
  var residualTaps: [String]? = nil
  /// Added to the variance by every BatchNorm or LayerNorm.
  let normEpsilon: Double
  /// Declares the layers and names the taps. Layers that no tap needs are dropped before they are prepared.
  let build: @Sendable (inout GraphBuilder) -> Void

  /// All modules where features can be taken, level by level: before the residual, then behind it.
  var allTaps: [String] {
    guard let residualTaps else { return taps }
    return zip(taps, residualTaps).flatMap { [$0, $1] }
  }

  /// Whether a detector can take its features at these modules: at the last levels or all of them, each before the
  /// residual, behind it, or both in this order.
  func gives(_ taps: [String]) -> Bool {
    let places = taps.compactMap { allTaps.firstIndex(of: $0) }
    guard let first = places.first, places.count == taps.count,
      zip(places, places.dropFirst()).allSatisfy({ $0 < $1 })
    else { return false }
    let perLevel = allTaps.count / self.taps.count
    return Set(places.map { $0 / perLevel }) == Set(first / perLevel..<self.taps.count)
  }

  /// All layers, as they are declared.
  func graph(padding: Padding, taps: [String]) throws(Failure) -> Graph {
    var builder = GraphBuilder(padding: padding, normEpsilon: normEpsilon, taps: taps)
    build(&builder)
    guard let levels = builder.levels else {
      throw Failure(.unsupported, "\(name) does not declare features at all of \(taps)")
    }
    return Graph(layers: builder.layers, levels: levels)
  }

  static let all: [Architecture] = [
    .resNet18, .resNet34, .resNet50, .wideResNet50, .resNeXt50, .mobileNetV2, .mobileNetV3Large, .mobileNetV3Small,
    .efficientNetLite0, .efficientNetLite1, .efficientNetLite2, .efficientNetLite3, .efficientNetLite4, .efficientNetB5,
    .visionTransformer224, .visionTransformer384,
  ]

  static func named(_ name: String) throws(Failure) -> Architecture {
    for architecture in all where architecture.name == name { return architecture }
    let known = all.map(\.name).joined(separator: ", ")
    throw Failure(.unsupported, "the encoder architecture '\(name)' is unknown; known are \(known)")
  }
}
