import Basics
import Support
import Testing

@testable import Evaluation

/// Curves of a few scores, beside points that were counted by hand.
@Suite struct CurveTests {
  /// Good 1, 2, 4; defective 3, 4, 5.
  private func roc(resolution: Int) throws -> [Curve.Point] {
    try withBuffers([1, 2, 4, 3, 4, 5], [0, 0, 0, 1, 1, 1]) { (scores, labels) throws(Failure) in
      try RankedScores(scores: scores, labels: labels).roc(resolution: resolution).points
    }
  }

  private func expectPoints(_ points: [Curve.Point], _ expected: [(rate: Double, share: Double)]) {
    #expect(points.count == expected.count)
    for (point, expected) in zip(points, expected) {
      expectClose(point.rate, expected.rate, within: 1e-12)
      expectClose(point.share, expected.share, within: 1e-12)
    }
  }

  @Test func everyThresholdIsAPointOfTheROCCurve() throws {
    let third = 1.0 / 3
    expectPoints(
      try roc(resolution: 1000),
      [(0, 0), (0, third), (third, 2 * third), (third, 1), (2 * third, 1), (1, 1)])
  }

  @Test func curvesAreThinnedOut() throws {
    let third = 1.0 / 3
    // None is as far as 1 from the one before, but for the ends.
    expectPoints(try roc(resolution: 0), [(0, 0), (1, 1)])
    // The ends by steps of 1, and the corner before each.
    expectPoints(try roc(resolution: 1), [(0, 0), (0, third), (third, 2 * third), (1, 1)])
    // Steps of two thirds are, and the corners before them are kept.
    #expect(try roc(resolution: 2) == roc(resolution: 1000))
  }

  /// Of steps of a sixteenth every fourth, and the one before it, whichever way they go.
  @Test func stepsAddUp() {
    for (isRate, isShare) in [(true, true), (true, false), (false, true)] {
      var curve = Curve(resolution: 4)
      for place in 0...16 { curve.add(rate: isRate ? Double(place) / 16 : 0, share: isShare ? Double(place) / 16 : 0) }
      curve.end()
      #expect(curve.points.map { max($0.rate, $0.share) * 16 } == [0, 3, 4, 7, 8, 11, 12, 15, 16])
    }
  }

  /// The curve of overlaps up to its limit has the area that is the measure.
  @Test func theAreaUnderTheOverlapsIsAUPRO() throws {
    // Two regions, at 0 and at 3 and 4; good pixels of which each threshold finds a tenth.
    var masks = [UInt8](repeating: 0, count: 13)
    var maps = (0..<13).map { Float(13 - $0) }
    for pixel in [0, 3, 4] { masks[pixel] = 1 }
    maps[0] = 12.5
    let (area, points) = try withBuffers(maps, masks) { (maps, masks) throws(Failure) in
      let (area, curve) = try Evaluation.overlapStandard(
        maps: maps, masks: masks, width: 13, height: 1, resolution: 1000)
      return (area, curve.points)
    }
    // The first region; good 12, 11; half of the second region, all of it; good 8, at the limit.
    expectPoints(
      points, [(0, 0), (0, 0.5), (0.1, 0.5), (0.2, 0.5), (0.2, 0.75), (0.2, 1), (0.3, 1)])
    expectClose(area, (0.2 * 0.5 + 0.1) / 0.3, within: 1e-12)
  }
}
