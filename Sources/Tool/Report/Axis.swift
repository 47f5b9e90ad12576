import Basics

/// One side of a drawing: what it counts, from where to where, and the round numbers beside it.
struct Axis {
  let name: String
  let range: ClosedRange<Double>
  let ticks: [Double]
  /// Of the ticks' numbers.
  private let decimals: Int

  /// - Parameters:
  ///   - range: widened to round numbers; an empty one too.
  ///   - smallestStep: 1 for what is counted.
  init(_ name: String, _ range: ClosedRange<Double>, smallestStep: Double = 0) {
    self.name = name
    let span = max(range.upperBound - range.lowerBound, abs(range.upperBound) * 1e-6, 1e-9)
    let step = max(Self.roundStep(atLeast: span / 5), smallestStep)
    let first = (range.lowerBound / step + 1e-9).rounded(.down)
    let last = max((range.upperBound / step - 1e-9).rounded(.up), first + 1)
    ticks = stride(from: first, through: last, by: 1).map { $0 * step }
    self.range = first * step...last * step
    decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
  }

  func text(_ value: Double) -> String { String(value, decimals: decimals) }

  /// 0...1 along the axis.
  func place(_ value: Double) -> Double { (value - range.lowerBound) / (range.upperBound - range.lowerBound) }

  /// 1, 2 or 5 times a power of ten.
  private static func roundStep(atLeast step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    return ([1, 2, 5, 10].first { $0 * power >= step * (1 - 1e-9) } ?? 10) * power
  }
}
