/// EfficientNet-Lite (Tan, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog 2020), with the
/// state-dict keys of the PyTorch port `efficientnet-lite-pytorch`: ReLU6, no squeeze-excite, SAME padding.
///
/// Features are the projection's BatchNorm output, before the residual, of the last block of stages 3, 5 and 6, or these
/// blocks' outputs.
extension Architecture {
  static let efficientNetLite0 = efficientNetLite("efficientnet_lite0", width: 1.0, depth: 1.0)
  static let efficientNetLite1 = efficientNetLite("efficientnet_lite1", width: 1.0, depth: 1.1)
  static let efficientNetLite2 = efficientNetLite("efficientnet_lite2", width: 1.1, depth: 1.2)
  static let efficientNetLite3 = efficientNetLite("efficientnet_lite3", width: 1.2, depth: 1.4)
  static let efficientNetLite4 = efficientNetLite("efficientnet_lite4", width: 1.4, depth: 1.8)

  /// Lite0's stages; the seventh is left out, since it comes after the last tap.
  private static let stages: [(channels: Int, kernel: Int, stride: Int, expansion: Int, blocks: Int)] = [
    (16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3), (112, 5, 1, 6, 3), (192, 5, 2, 6, 4),
  ]

  /// - Parameters:
  ///   - width: multiplies the channels of all stages, but not the stem's.
  ///   - depth: multiplies the blocks of a stage, but not the first's.
  private static func efficientNetLite(_ name: String, width: Double, depth: Double) -> Architecture {
    var stages = stages
    for i in stages.indices {
      stages[i].channels = EfficientNet.rounded(Double(stages[i].channels) * width)
      if i > 0 { stages[i].blocks = Int((Double(stages[i].blocks) * depth).rounded(.up)) }
    }
    let lastBlocks = [2, 4, 5].map { "_blocks.\(stages[...$0].reduce(0) { $0 + $1.blocks } - 1)" }
    return Architecture(
      name: name, paddings: [.same], taps: lastBlocks.map { "\($0)._bn2" }, residualTaps: lastBlocks, normEpsilon: 1e-3,
      build: { [stages] builder in
        var x = builder.convolution(
          builder.input, "_conv_stem", norm: "_bn0", outputs: 32, kernel: 3, stride: 2, activation: .relu6)
        var index = 0
        for stage in stages {
          for position in 0..<stage.blocks {
            let block = "_blocks.\(index)"
            let stride = position == 0 ? stage.stride : 1
            let inputs = builder.channels(x)
            var y = x
            if stage.expansion != 1 {
              y = builder.convolution(
                y, "\(block)._expand_conv", norm: "\(block)._bn0", outputs: inputs * stage.expansion, kernel: 1,
                activation: .relu6)
            }
            y = builder.depthwise(
              y, "\(block)._depthwise_conv", norm: "\(block)._bn1", kernel: stage.kernel, stride: stride,
              activation: .relu6)
            x = builder.convolution(
              y, "\(block)._project_conv", norm: "\(block)._bn2", outputs: stage.channels, kernel: 1,
              residual: stride == 1 && inputs == stage.channels ? x : nil)
            builder.tap(block, x)
            index += 1
          }
        }
      })
  }
}
