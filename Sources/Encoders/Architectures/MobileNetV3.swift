import Kernels

/// MobileNetV3 (Howard et al., ICCV 2019) with torchvision's state-dict keys.
///
/// Features are the outputs of projection convolutions before their BatchNorm and before the residual, as in the
/// original system, of features[-11], [-5], [-2] (large) and features[-10], [-5], [-2] (small), or these blocks' outputs.
extension Architecture {
  static let mobileNetV3Large = mobileNetV3(
    "mobilenet_v3_large", taps: ["features.6.block.3.0", "features.12.block.3.0", "features.15.block.3.0"],
    residualTaps: ["features.6", "features.12", "features.15"],
    blocks: [
      (3, 16, 16, false, .relu, 1), (3, 64, 24, false, .relu, 2), (3, 72, 24, false, .relu, 1),
      (5, 72, 40, true, .relu, 2), (5, 120, 40, true, .relu, 1), (5, 120, 40, true, .relu, 1),
      (3, 240, 80, false, .hardSwish, 2), (3, 200, 80, false, .hardSwish, 1), (3, 184, 80, false, .hardSwish, 1),
      (3, 184, 80, false, .hardSwish, 1), (3, 480, 112, true, .hardSwish, 1), (3, 672, 112, true, .hardSwish, 1),
      (5, 672, 160, true, .hardSwish, 2), (5, 960, 160, true, .hardSwish, 1), (5, 960, 160, true, .hardSwish, 1),
    ])

  static let mobileNetV3Small = mobileNetV3(
    "mobilenet_v3_small", taps: ["features.3.block.2.0", "features.8.block.3.0", "features.11.block.3.0"],
    residualTaps: ["features.3", "features.8", "features.11"],
    blocks: [
      (3, 16, 16, true, .relu, 2), (3, 72, 24, false, .relu, 2), (3, 88, 24, false, .relu, 1),
      (5, 96, 40, true, .hardSwish, 2), (5, 240, 40, true, .hardSwish, 1), (5, 240, 40, true, .hardSwish, 1),
      (5, 120, 48, true, .hardSwish, 1), (5, 144, 48, true, .hardSwish, 1), (5, 288, 96, true, .hardSwish, 2),
      (5, 576, 96, true, .hardSwish, 1), (5, 576, 96, true, .hardSwish, 1),
    ])

  private typealias Block = (
    kernel: Int, expanded: Int, outputs: Int, isExcited: Bool, activation: Activation, stride: Int
  )

  private static func mobileNetV3(
    _ name: String, taps: [String], residualTaps: [String], blocks: [Block]
  ) -> Architecture {
    Architecture(
      name: name, paddings: [.zeros], taps: taps, residualTaps: residualTaps, normEpsilon: 1e-3,
      build: { builder in
        var x = builder.convolution(
          builder.input, "features.0.0", norm: "features.0.1", outputs: 16, kernel: 3, stride: 2,
          activation: .hardSwish)
        for (index, block) in blocks.enumerated() {
          let key = "features.\(index + 1).block"
          let inputs = builder.channels(x)
          var y = x
          // The index of the block's next module.
          var part = 0
          if block.expanded != inputs {
            y = builder.convolution(
              y, "\(key).0.0", norm: "\(key).0.1", outputs: block.expanded, kernel: 1, activation: block.activation)
            part += 1
          }
          y = builder.depthwise(
            y, "\(key).\(part).0", norm: "\(key).\(part).1", kernel: block.kernel, stride: block.stride,
            activation: block.activation)
          part += 1
          if block.isExcited {
            y = builder.squeezeExcite(
              y, reduce: "\(key).\(part).fc1", expand: "\(key).\(part).fc2",
              squeezed: EfficientNet.rounded(Double(block.expanded / 4)), activation: .relu, gate: .hardSigmoid)
            part += 1
          }
          x = builder.convolution(
            y, "\(key).\(part).0", norm: "\(key).\(part).1", outputs: block.outputs, kernel: 1,
            residual: block.stride == 1 && inputs == block.outputs ? x : nil)
          builder.tap("features.\(index + 1)", x)
        }
      })
  }
}
