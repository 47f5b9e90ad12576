import Basics

@testable import Training

/// Conditions given row by row: each fiber has a place of its own in both halves.
final class RowConditions {
  private let halves: [FloatBuffer]
  private let places: Buffer<Int32>
  private let count: Int
  private let isConditional: Bool

  init(_ rows: [Float], channels: Int, count: Int) throws {
    self.count = count
    isConditional = channels > 0
    let half = channels / 2
    halves = [try FloatBuffer(count: count * half), try FloatBuffer(count: count * half)]
    places = try Buffer(count: count)
    for row in 0..<count {
      places.base[row] = Int32(row)
      for i in 0..<channels { halves[i < half ? 0 : 1].base[row * half + i % max(half, 1)] = rows[row * channels + i] }
    }
  }

  var conditions: Conditions? {
    guard isConditional else { return nil }
    let axes = halves.map { Conditions.Axis(table: $0.base, length: count, places: places.base) }
    return Conditions(axes[0], axes[1])
  }
}
