/// A rising curve, thinned out for drawing.
package struct Curve: Sendable, Equatable {
  package struct Point: Sendable, Equatable {
    /// The false positive rate, 0...1.
    package var rate: Double
    /// The share of defective ones that is found, 0...1.
    package var share: Double

    package init(rate: Double, share: Double) {
      self.rate = rate
      self.share = share
    }
  }

  /// The points by ascending rate.
  package private(set) var points: [Point] = []
  private let step: Double
  private var last: Point?

  /// - Parameter resolution: points closer than 1 / resolution to the one before, in both directions, are left out; 0
  ///   keeps only the ends.
  init(resolution: Int) { step = resolution > 0 ? 1 / Double(resolution) : .infinity }

  mutating func add(rate: Double, share: Double) {
    let point = Point(rate: rate, share: share)
    guard let kept = points.last, rate - kept.rate < step, share - kept.share < step else {
      // Before a jump the corner is kept.
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
