import Basics
import Kernels

/// ViT-B/16 (Dosovitskiy et al., ICLR 2021) with timm's state-dict keys.
///
/// Features are the patches' tokens after blocks[10], blocks[2] and blocks[6], in this order as in the original system:
/// all levels have one grid, a sixteenth of the input. At other input sizes than the weights' the position embeddings
/// are interpolated.
extension Architecture {
  static let visionTransformer224 = visionTransformer("vit_base_patch16_224", size: 224)
  static let visionTransformer384 = visionTransformer("vit_base_patch16_384", size: 384)

  private static func visionTransformer(_ name: String, size: Int) -> Architecture {
    Architecture(
      name: name, paddings: [.zeros], taps: ["blocks.10", "blocks.2", "blocks.6"], normEpsilon: 1e-6,
      build: { (builder: inout EncoderBuilder) throws(Failure) in
        let patches = try builder.patches(builder.input, "patch_embed.proj", side: 16, outputs: 768)
        var x = try builder.tokens(patches, classToken: "cls_token", positions: "pos_embed", side: size / 16)
        for index in 0..<12 where !builder.isComplete {
          let block = "blocks.\(index)"
          x = try transformerBlock(&builder, x, block, heads: 12)
          if builder.isTap(block) { builder.tap(block, builder.map(x, of: patches)) }
        }
      })
  }
}

private func transformerBlock(
  _ builder: inout EncoderBuilder, _ x: EncoderBuilder.Value, _ key: String, heads: Int
) throws(Failure) -> EncoderBuilder.Value {
  let width = builder.channels(x)
  var y = try builder.layerNorm(x, "\(key).norm1")
  y = try builder.linear(y, "\(key).attn.qkv", outputs: 3 * width)
  y = builder.attention(y, heads: heads)
  let x = try builder.linear(y, "\(key).attn.proj", outputs: width, residual: x)
  y = try builder.layerNorm(x, "\(key).norm2")
  y = try builder.linear(y, "\(key).mlp.fc1", outputs: 4 * width, activation: .gelu)
  return try builder.linear(y, "\(key).mlp.fc2", outputs: width, residual: x)
}
