/// EfficientNet (Tan and Le, ICML 2019) as timm's `tf_efficientnet_b5`, with its state-dict keys: SiLU, squeeze-excite,
/// SAME padding.
///
/// Features are the output of bn3, before the residual, of the last block of blocks[-5], blocks[-3] and blocks[-2], or
/// these blocks' outputs.
extension Architecture {
  static let efficientNetB5 = Architecture(
    name: "tf_efficientnet_b5", paddings: [.same], taps: ["blocks.2.4.bn3", "blocks.4.6.bn3", "blocks.5.8.bn3"],
    residualTaps: ["blocks.2.4", "blocks.4.6", "blocks.5.8"], normEpsilon: 1e-3,
    build: { builder in
      var x = builder.convolution(
        builder.input, "conv_stem", norm: "bn1", outputs: 48, kernel: 3, stride: 2, activation: .silu)
      for position in 0..<3 { x = separable(&builder, x, "blocks.0.\(position)", outputs: 24) }
      // (channels, kernel, stride, blocks); the seventh stage is left out, since it comes after the last tap.
      let stages = [(40, 3, 2, 5), (64, 5, 2, 5), (128, 3, 2, 7), (176, 5, 1, 7), (304, 5, 2, 9)]
      for (stage, (channels, kernel, stride, blocks)) in stages.enumerated() {
        for position in 0..<blocks {
          let block = "blocks.\(stage + 1).\(position)"
          x = invertedResidual(
            &builder, x, block, outputs: channels, kernel: kernel, stride: position == 0 ? stride : 1)
          builder.tap(block, x)
        }
      }
    })
}

enum EfficientNet {
  /// Rounds a scaled number of channels to a multiple of 8 that is at most a tenth smaller.
  static func rounded(_ channels: Double) -> Int {
    let nearest = max(8, Int(channels + 4) / 8 * 8)
    return Double(nearest) < 0.9 * channels ? nearest + 8 : nearest
  }
}

/// A block of the first stage, which does not expand.
private func separable(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, outputs: Int
) -> GraphBuilder.Value {
  let inputs = builder.channels(x)
  var y = builder.depthwise(x, "\(key).conv_dw", norm: "\(key).bn1", kernel: 3, stride: 1, activation: .silu)
  y = excited(&builder, y, key, squeezed: inputs / 4)
  return builder.convolution(
    y, "\(key).conv_pw", norm: "\(key).bn2", outputs: outputs, kernel: 1, residual: inputs == outputs ? x : nil)
}

private func invertedResidual(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, outputs: Int, kernel: Int, stride: Int
) -> GraphBuilder.Value {
  let inputs = builder.channels(x)
  var y = builder.convolution(
    x, "\(key).conv_pw", norm: "\(key).bn1", outputs: 6 * inputs, kernel: 1, activation: .silu)
  y = builder.depthwise(
    y, "\(key).conv_dw", norm: "\(key).bn2", kernel: kernel, stride: stride, activation: .silu)
  y = excited(&builder, y, key, squeezed: inputs / 4)
  return builder.convolution(
    y, "\(key).conv_pwl", norm: "\(key).bn3", outputs: outputs, kernel: 1,
    residual: stride == 1 && inputs == outputs ? x : nil)
}

private func excited(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, squeezed: Int
) -> GraphBuilder.Value {
  builder.squeezeExcite(
    x, reduce: "\(key).se.conv_reduce", expand: "\(key).se.conv_expand", squeezed: squeezed, activation: .silu,
    gate: .sigmoid)
}
