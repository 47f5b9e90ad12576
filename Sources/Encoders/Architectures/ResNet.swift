/// ResNets (He et al., "Deep residual learning", CVPR 2016), wide ones (Zagoruyko and Komodakis, BMVC 2016) and ResNeXts
/// (Xie et al., CVPR 2017), with torchvision's state-dict keys. Features are the outputs of layer2, layer3 and layer4 after
/// the last ReLU.
extension Architecture {
  static let resNet18 = resNet("resnet18", blocks: [2, 2, 2, 2], basicBlock)
  static let resNet34 = resNet("resnet34", blocks: [3, 4, 6, 3], basicBlock)
  static let resNet50 = resNet("resnet50", blocks: [3, 4, 6, 3], bottleneck(width: 1))
  static let wideResNet50 = resNet("wide_resnet50_2", blocks: [3, 4, 6, 3], bottleneck(width: 2))
  static let resNeXt50 = resNet("resnext50_32x4d", blocks: [3, 4, 6, 3], bottleneck(width: 2, groups: 32))

  private static func resNet(_ name: String, blocks: [Int], _ block: @escaping Block) -> Architecture {
    Architecture(
      name: name, paddings: [.reflect, .zeros], taps: ["layer2", "layer3", "layer4"], normEpsilon: 1e-5,
      build: { builder in
        var x = builder.convolution(
          builder.input, "conv1", norm: "bn1", outputs: 64, kernel: 7, stride: 2, activation: .relu)
        x = builder.maxPool(x, kernel: 3, stride: 2)
        for (layer, count) in blocks.enumerated() {
          for position in 0..<count {
            x = block(&builder, x, "layer\(layer + 1).\(position)", 64 << layer, layer > 0 && position == 0 ? 2 : 1)
          }
          builder.tap("layer\(layer + 1)", x)
        }
      })
  }
}

private typealias Block =
  @Sendable (inout GraphBuilder, GraphBuilder.Value, _ key: String, _ channels: Int, _ stride: Int) ->
  GraphBuilder.Value

private let basicBlock: Block = { (builder, x, key, channels, stride) in
  let shortcut = shortcut(&builder, x, key, outputs: channels, stride: stride)
  let y = builder.convolution(
    x, "\(key).conv1", norm: "\(key).bn1", outputs: channels, kernel: 3, stride: stride, activation: .relu)
  return builder.convolution(
    y, "\(key).conv2", norm: "\(key).bn2", outputs: channels, kernel: 3, residual: shortcut, activation: .relu)
}

/// - Parameter width: the channels of the inner convolution, as a multiple of the layer's.
private func bottleneck(width: Int, groups: Int = 1) -> Block {
  { (builder, x, key, channels, stride) in
    let shortcut = shortcut(&builder, x, key, outputs: 4 * channels, stride: stride)
    var y = builder.convolution(
      x, "\(key).conv1", norm: "\(key).bn1", outputs: width * channels, kernel: 1, activation: .relu)
    y = builder.convolution(
      y, "\(key).conv2", norm: "\(key).bn2", outputs: width * channels, kernel: 3, stride: stride, groups: groups,
      activation: .relu)
    return builder.convolution(
      y, "\(key).conv3", norm: "\(key).bn3", outputs: 4 * channels, kernel: 1, residual: shortcut, activation: .relu)
  }
}

private func shortcut(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, outputs: Int, stride: Int
) -> GraphBuilder.Value {
  guard stride != 1 || builder.channels(x) != outputs else { return x }
  return builder.convolution(
    x, "\(key).downsample.0", norm: "\(key).downsample.1", outputs: outputs, kernel: 1, stride: stride)
}
