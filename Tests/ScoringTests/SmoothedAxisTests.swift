import Basics
import Foundation
import Kernels
import Support
import Testing

@testable import Scoring

@Suite struct SmoothedAxisTests {
  private static func row(_ length: Int) -> [Float] { Generated.unit("smooth", count: length).map { Float($0) } }

  /// What a place of the map takes from a row of the grid.
  private static func value(_ sample: SmoothedAxis.Sample, _ row: UnsafePointer<Float>) -> Float {
    var value: Float = 0
    Kernels.selected.addRowMean(sample.mean(row, length: 1), times: 1, to: &value)
    return value
  }

  /// Without smoothing it is the interpolation of the published system, to the bit.
  @Test(arguments: [(1, 9), (2, 9), (8, 64), (7, 33)])
  func withoutSmoothingItInterpolates(length: Int, output: Int) throws {
    let row = Self.row(length)
    let (smoothed, plain) = (
      try SmoothedAxis(length: length, output: output, smoothing: 0),
      try ResampledAxis(length: length, cornersTo: output)
    )
    row.withUnsafeBufferPointer { row in
      guard let row = row.baseAddress else { return }
      for place in 0..<output { #expect(Self.value(smoothed[place], row) == plain[place].value(row)) }
    }
  }

  /// It is the Gaussian filter of the interpolated row, whose border is mirrored; also when the filter is wider than the map.
  @Test(arguments: [(1, 9, 2.0), (8, 64, 1.0), (8, 64, 4.0), (7, 33, 2.5), (4, 32, 12.0)])
  func itFiltersWhatItInterpolates(length: Int, output: Int, sigma: Double) throws {
    let row = Self.row(length)
    let axis = try SmoothedAxis(length: length, output: output, smoothing: sigma)
    let step = output > 1 ? Double(length - 1) / Double(output - 1) : 0
    let line = (0..<output).map { place -> Double in
      let position = Double(place) * step
      let first = min(Int(position), max(length - 2, 0))
      let second = min(first + 1, length - 1)
      return Double(row[first]) + (Double(row[second]) - Double(row[first])) * (position - Double(first))
    }
    let radius = Int(4 * sigma + 0.5)
    let expected = (0..<output).map { place -> Double in
      var (sum, weights) = (0.0, 0.0)
      for offset in -radius...radius {
        var source = place + offset
        while source < 0 || source >= output { source = source < 0 ? -1 - source : 2 * output - 1 - source }
        let weight = exp(-0.5 * Double(offset * offset) / (sigma * sigma))
        sum += weight * line[source]
        weights += weight
      }
      return sum / weights
    }
    row.withUnsafeBufferPointer { row in
      guard let row = row.baseAddress else { return }
      expectClose((0..<output).map { Self.value(axis[$0], row) }, expected, within: 1e-6)
    }
    // Rows are added up by the same weights as values.
    let columns = 11
    let rows = row.flatMap { [Float](repeating: $0, count: columns) }
    var target = [Float](repeating: 1, count: columns)
    rows.withUnsafeBufferPointer { rows in
      target.withUnsafeMutableBufferPointer { target in
        guard let rows = rows.baseAddress, let target = target.baseAddress else { return }
        Kernels.selected.addRowMean(axis[output / 3].mean(rows, length: columns), times: 0.5, to: target)
      }
    }
    expectClose(target, [Double](repeating: 1 + expected[output / 3] / 2, count: columns), within: 1e-6)
  }

  /// A place that does not count may hold anything.
  @Test(arguments: [0.0, 3.0])
  func itTakesFromNoPlaceThatDoesNotCount(sigma: Double) throws {
    let axis = try SmoothedAxis(length: 9, output: 65, smoothing: sigma)
    for place in 0..<65 {
      let sample = axis[place]
      var row = [Float](repeating: 1e30, count: 9)
      for i in 0...sample.count where sample.takes(i) { row[sample.first + i] = 1 }
      let value = row.withUnsafeBufferPointer { row in row.baseAddress.map { Self.value(sample, $0) } }
      // The first neighbour is the base of the differences and counts, or its share is rounding.
      if sample.takes(0) { #expect(value == 1, "\(place)") }
      #expect((0...sample.count).contains { sample.takes($0) })
    }
  }
}
