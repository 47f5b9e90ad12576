/// ViT-B/16 (Dosovitskiy et al., ICLR 2021) with timm's state-dict keys.
///
/// Features are the patches' tokens after blocks[10], blocks[2] and blocks[6], in this order as in the original system:
/// all levels have the same grid, a sixteenth of the input. For other input sizes than that of the weights the position
/// embeddings are interpolated.
extension Architecture {
  static let visionTransformer224 = visionTransformer("vit_base_patch16_224", size: 224)
  static let visionTransformer384 = visionTransformer("vit_base_patch16_384", size: 384)

  private static func visionTransformer(_ name: String, size: Int) -> Architecture {
    Architecture(
      name: name, paddings: [.zeros], taps: ["blocks.10", "blocks.2", "blocks.6"], normEpsilon: 1e-6,
      build: { builder in
        let patches = builder.patches(builder.input, "patch_embed.proj", side: 16, outputs: 768)
        var x = builder.tokens(patches, classToken: "cls_token", positions: "pos_embed", side: size / 16)
        for index in 0..<12 where !builder.isComplete {
          let block = "blocks.\(index)"
          x = transformerBlock(&builder, x, block, heads: 12)
          builder.tap(block, builder.map(x, of: patches))
        }
      })
  }
}

private func transformerBlock(
  _ builder: inout GraphBuilder, _ x: GraphBuilder.Value, _ key: String, heads: Int
) -> GraphBuilder.Value {
  let width = builder.channels(x)
  var y = builder.layerNorm(x, "\(key).norm1")
  y = builder.linear(y, "\(key).attn.qkv", outputs: 3 * width)
  y = builder.attention(y, heads: heads)
  let x = builder.linear(y, "\(key).attn.proj", outputs: width, residual: x)
  y = builder.layerNorm(x, "\(key).norm2")
  y = builder.linear(y, "\(key).mlp.fc1", outputs: 4 * width, activation: .gelu)
  return builder.linear(y, "\(key).mlp.fc2", outputs: width, residual: x)
}
