/// MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's state-dict keys: ReLU6, inverted residual blocks.
///
/// The original system does not use it. As in the other networks of inverted residuals, features are the projection's
/// BatchNorm output, before the residual, of the last block at strides 8, 16 and 32, or these blocks' outputs: 32, 96
/// and 320 channels. The last of these blocks has no residual: its two taps are the same map.
extension Architecture {
  static let mobileNetV2 = Architecture(
    name: "mobilenet_v2", paddings: [.zeros], taps: ["features.6.conv.3", "features.13.conv.3", "features.17.conv.3"],
    residualTaps: ["features.6", "features.13", "features.17"], normEpsilon: 1e-5,
    build: { builder in
      var x = builder.convolution(
        builder.input, "features.0.0", norm: "features.0.1", outputs: 32, kernel: 3, stride: 2, activation: .relu6)
      var index = 1
      for (expansion, channels, blocks, stride) in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
      ] {
        for position in 0..<blocks {
          let block = "features.\(index)"
          x = invertedResidual(
            &builder, x, "\(block).conv", expansion: expansion, outputs: channels, stride: position == 0 ? stride : 1)
          builder.tap(block, x)
          index += 1
        }
      }
    })
}

private func invertedResidual(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, expansion: Int, outputs: Int, stride: Int
) -> GraphBuilder.Value {
  let inputs = builder.channels(x)
  var y = x
  // The index of the block's next module.
  var part = 0
  if expansion != 1 {
    y = builder.convolution(
      y, "\(key).0.0", norm: "\(key).0.1", outputs: expansion * inputs, kernel: 1, activation: .relu6)
    part = 1
  }
  y = builder.depthwise(
    y, "\(key).\(part).0", norm: "\(key).\(part).1", kernel: 3, stride: stride, activation: .relu6)
  return builder.convolution(
    y, "\(key).\(part + 1)", norm: "\(key).\(part + 2)", outputs: outputs, kernel: 1,
    residual: stride == 1 && inputs == outputs ? x : nil)
}
