import Basics

/// An axis of a drawing: its name, its range and the round numbers beside it.
struct Axis {
  let name: String
  let range: ClosedRange<Double>
  let ticks: [Double]
  /// How many decimals the ticks' numbers have.
  private let decimals: Int

  /// - Parameters:
  ///   - range: the range, which is widened to round numbers, even when it is empty.
  ///   - smallestStep: 1 for counts.
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

  /// The place of a value along the axis, 0...1.
  func place(_ value: Double) -> Double { (value - range.lowerBound) / (range.upperBound - range.lowerBound) }

  /// A step of 1, 2 or 5 times a power of ten.
  private static func roundStep(atLeast step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    return ([1, 2, 5, 10].first { $0 * power >= step * (1 - 1e-9) } ?? 10) * power
  }
}
