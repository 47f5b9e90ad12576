import Basics
import Kernels

/// EfficientNet-Lite (Tan, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog 2020), with the
/// state-dict keys of the PyTorch port `efficientnet-lite-pytorch`: ReLU6, no squeeze-excite, SAME padding.
///
/// Features are the projection's BatchNorm output, before the residual, of the last block of stages 3, 5 and 6.
extension Architecture {
  static let efficientNetLite0 = Architecture(
    name: "efficientnet_lite0", paddings: [.same],
    taps: ["_blocks.4._bn2", "_blocks.10._bn2", "_blocks.14._bn2"], normEpsilon: 1e-3,
    build: { (builder: inout EncoderBuilder) throws(Failure) in
      // (channels, kernel, stride, expansion, blocks); the seventh stage comes after the last tap.
      try efficientNetLite(
        &builder, stem: 32,
        stages: [(16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3), (112, 5, 1, 6, 3), (192, 5, 2, 6, 4)])
    })
}

private func efficientNetLite(
  _ builder: inout EncoderBuilder, stem: Int,
  stages: [(channels: Int, kernel: Int, stride: Int, expansion: Int, blocks: Int)]
) throws(Failure) {
  var x = try builder.convolution(
    builder.input, "_conv_stem", norm: "_bn0", outputs: stem, kernel: 3, stride: 2, activation: .relu6)
  var index = 0
  for stage in stages {
    for position in 0..<stage.blocks {
      let block = "_blocks.\(index)"
      let stride = position == 0 ? stage.stride : 1
      let inputs = builder.channels(x)
      var y = x
      if stage.expansion != 1 {
        y = try builder.convolution(
          y, "\(block)._expand_conv", norm: "\(block)._bn0", outputs: inputs * stage.expansion, kernel: 1,
          activation: .relu6)
      }
      y = try builder.depthwise(
        y, "\(block)._depthwise_conv", norm: "\(block)._bn1", kernel: stage.kernel, stride: stride, activation: .relu6)
      let projection = (key: "\(block)._project_conv", norm: "\(block)._bn2")
      if builder.isTap(projection.norm) {
        y = try builder.convolution(y, projection.key, norm: projection.norm, outputs: stage.channels, kernel: 1)
        builder.tap(projection.norm, y)
        x = stride == 1 && inputs == stage.channels ? builder.add(x, y) : y
      } else {
        x = try builder.convolution(
          y, projection.key, norm: projection.norm, outputs: stage.channels, kernel: 1,
          residual: stride == 1 && inputs == stage.channels ? x : nil)
      }
      index += 1
    }
  }
}
