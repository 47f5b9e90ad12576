import Basics

/// How a heat map is drawn over a frame.
package struct Overlay: Sendable {
  /// The map value above which heat is drawn.
  package let low: Float
  /// The map value from which on the heat is strongest.
  package let high: Float
  /// The map value whose contour is drawn; nil for none.
  package let threshold: Float?
  /// The opacity of the heat at `high`, 0...1; it fades to 0 at `low`.
  package let opacity: Float

  /// Fails with `invalidArgument` when a number is not finite, `low` is not below `high`, or `opacity` is not within
  /// 0...1.
  package init(low: Float = 0, high: Float = 3, threshold: Float? = nil, opacity: Float = 0.6) throws(Failure) {
    guard low.isFinite, high.isFinite, low < high else {
      throw Failure(.invalidArgument, "the range \(low)...\(high) of a heat map is not finite and rising")
    }
    guard threshold?.isFinite ?? true else {
      throw Failure(.invalidArgument, "the threshold of a contour is not finite")
    }
    guard opacity >= 0, opacity <= 1 else {
      throw Failure(.invalidArgument, "the opacity \(opacity) of a heat map is not within 0...1")
    }
    self.low = low
    self.high = high
    self.threshold = threshold
    self.opacity = opacity
  }

  /// The part of ``ColorMap/inferno`` that the heat goes through, from purple to orange: its dark end would not show on
  /// dark frames, nor its pale end on bright ones.
  private static let colors: ClosedRange<Float> = 0.2...0.75

  /// The colour of the heat at a value from 0 (`low`) to 1 (`high`).
  package static func color(_ value: Float) -> SIMD3<UInt8> {
    ColorMap.inferno.color(colors.lowerBound + (colors.upperBound - colors.lowerBound) * value)
  }

  /// The colour and the opacity of the heat at a value from 0 (`low`) to 1 (`high`). The opacity rises early, so that
  /// weak heat shows on any frame, and without a step.
  func heat(_ value: Float) -> (color: SIMD3<Float>, alpha: Float) {
    (SIMD3<Float>(Self.color(value)), opacity * value * (2 - value))
  }

  /// The number of steps of the heat between `low` and `high`.
  static let steps = 255

  /// The step of a value: 0 at `low` and below and for values that are not finite, ``steps`` at `high` and above.
  @inline(__always)
  func step(_ value: Float) -> Int {
    // Halves, because high - low may overflow.
    let position = (value / 2 - low / 2) / (high / 2 - low / 2)
    return value.isFinite && position > 0 ? Int(min(position, 1) * Float(Self.steps) + 0.5) : 0
  }
}
