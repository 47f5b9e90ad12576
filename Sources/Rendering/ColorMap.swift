/// A perceptually uniform sequence of colours.
package enum ColorMap: Sendable {
  /// matplotlib's inferno: black, purple, orange, pale yellow, lighter with every step.
  case inferno

  /// The colour of a value 0...1; a value outside has the colour of the nearer end, and NaN that of 0. Interpolates
  /// between every fifth of matplotlib's 256 colours, which is at most 1 of 255 away from matplotlib's in each channel.
  package func color(_ value: Float) -> SIMD3<UInt8> {
    let position = value > 0 ? min(value, 1) * Float(Self.infernoColors.count - 1) : 0
    let index = min(Int(position), Self.infernoColors.count - 2)
    let (a, b) = (Self.channels(Self.infernoColors[index]), Self.channels(Self.infernoColors[index + 1]))
    let color = a + (b - a) * (position - Float(index)) + 0.5
    return SIMD3(UInt8(color.x), UInt8(color.y), UInt8(color.z))
  }

  private static func channels(_ color: UInt32) -> SIMD3<Float> {
    SIMD3(Float(color >> 16), Float(color >> 8 & 255), Float(color & 255))
  }

  private static let infernoColors: [UInt32] = [
    0x000004, 0x02020c, 0x050417, 0x0a0722, 0x10092d, 0x160b39, 0x1e0c45, 0x260c51, 0x2f0a5b, 0x380962, 0x400a67,
    0x490b6a, 0x510e6c, 0x59106e, 0x61136e, 0x69166e, 0x71196e, 0x781c6d, 0x801f6c, 0x88226a, 0x902568, 0x982766,
    0xa02a63, 0xa82e5f, 0xb0315b, 0xb73557, 0xbf3952, 0xc63d4d, 0xcc4248, 0xd34743, 0xd94d3d, 0xdf5337, 0xe45a31,
    0xe9612b, 0xed6925, 0xf1711f, 0xf47918, 0xf78212, 0xf98b0b, 0xfa9407, 0xfb9d07, 0xfca60c, 0xfcb014, 0xfbba1f,
    0xfac42a, 0xf8cd37, 0xf6d746, 0xf4e156, 0xf2ea69, 0xf2f27d, 0xf5f992, 0xfcffa4,
  ]
}
