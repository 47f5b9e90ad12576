import Basics

/// An encoder the library knows: how its layers follow each other, under which state-dict keys, and where its features
/// are taken. One file each in `Architectures`.
struct Architecture: Sendable {
  /// torchvision's or timm's name.
  let name: String
  /// Padding modes the architecture is used with; the first is the original's.
  let paddings: [Padding]
  /// Modules whose outputs are the features, finest first; strides 8, 16, 32. (A vision transformer's have one grid.)
  let taps: [String]
  /// Added to the variance by every BatchNorm or LayerNorm.
  let normEpsilon: Double
  /// Declares the layers up to the last tap.
  let build: @Sendable (inout EncoderBuilder) throws(Failure) -> Void

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
