/// A rising curve, thinned out for drawing.
package struct Curve: Sendable, Equatable {
  package struct Point: Sendable, Equatable {
    /// False positive rate, 0...1.
    package var rate: Double
    /// Share of the defective that is found, 0...1.
    package var share: Double

    package init(rate: Double, share: Double) {
      self.rate = rate
      self.share = share
    }
  }

  /// By ascending rate.
  package private(set) var points: [Point] = []
  private let step: Double
  private var last: Point?

  /// - Parameter resolution: points are left out that are nearer than 1 / resolution to the one before, in both
  ///   directions; 0 keeps none but the ends.
  init(resolution: Int) { step = resolution > 0 ? 1 / Double(resolution) : .infinity }

  mutating func add(rate: Double, share: Double) {
    let point = Point(rate: rate, share: share)
    guard let kept = points.last, rate - kept.rate < step, share - kept.share < step else {
      // Where it jumps, the corner before the jump stays.
      if let last, last != points.last { points.append(last) }
      points.append(point)
      last = nil
      return
    }
    last = point
  }

  mutating func end() {
    if let last { points.append(last) }
    last = nil
  }

  /// The curve turned by half around (0.5, 0.5).
  var turned: Curve {
    var curve = self
    curve.points = points.reversed().map { Point(rate: 1 - $0.rate, share: 1 - $0.share) }
    return curve
  }
}
