import Basics
import Kernels

/// ResNets of basic blocks (He et al., "Deep residual learning", CVPR 2016), with torchvision's state-dict keys.
/// Features are the outputs of layer2, layer3 and layer4 after the last ReLU.
extension Architecture {
  static let resNet18 = resNet("resnet18", blocks: [2, 2, 2, 2])
  static let resNet34 = resNet("resnet34", blocks: [3, 4, 6, 3])

  private static func resNet(_ name: String, blocks: [Int]) -> Architecture {
    Architecture(
      name: name, paddings: [.reflect, .zeros], taps: ["layer2", "layer3", "layer4"], normEpsilon: 1e-5,
      build: { (builder: inout EncoderBuilder) throws(Failure) in
        var x = try builder.convolution(
          builder.input, "conv1", norm: "bn1", outputs: 64, kernel: 7, stride: 2, activation: .relu)
        x = builder.maxPool(x, kernel: 3, stride: 2, margin: 1)
        for (layer, count) in blocks.enumerated() {
          for position in 0..<count {
            x = try basicBlock(
              &builder, x, "layer\(layer + 1).\(position)", outputs: 64 << layer,
              stride: layer > 0 && position == 0 ? 2 : 1)
          }
          builder.tap("layer\(layer + 1)", x)
        }
      })
  }
}

private func basicBlock(
  _ builder: inout EncoderBuilder, _ x: EncoderBuilder.Value, _ key: String, outputs: Int, stride: Int
) throws(Failure) -> EncoderBuilder.Value {
  var shortcut = x
  if stride != 1 || builder.channels(x) != outputs {
    shortcut = try builder.convolution(
      x, "\(key).downsample.0", norm: "\(key).downsample.1", outputs: outputs, kernel: 1, stride: stride)
  }
  let y = try builder.convolution(
    x, "\(key).conv1", norm: "\(key).bn1", outputs: outputs, kernel: 3, stride: stride, activation: .relu)
  return try builder.convolution(
    y, "\(key).conv2", norm: "\(key).bn2", outputs: outputs, kernel: 3, residual: shortcut, activation: .relu)
}
