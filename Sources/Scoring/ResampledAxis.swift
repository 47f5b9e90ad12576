import Basics

/// Linear interpolation along one axis, as two places and a weight for each place of the output.
struct ResampledAxis {
  struct Sample {
    let first: Int
    let second: Int
    /// The weight of the second place, 0...1.
    let weight: Float

    /// The value between the two places of a row.
    @inline(__always)
    func value(_ row: UnsafePointer<Float>) -> Float { row[first] + (row[second] - row[first]) * weight }
  }

  private let samples: Buffer<Sample>

  subscript(_ place: Int) -> Sample { samples.base[place] }

  /// Maps the first place to the first and the last to the last: align_corners = true.
  init(length: Int, cornersTo output: Int) throws(Failure) {
    let step = output > 1 ? Double(length - 1) / Double(output - 1) : 0
    samples = try Buffer(count: output)
    for place in 0..<output { samples.base[place] = Self.sample(Double(place) * step, length: length) }
  }

  /// Maps cells as resizing an image does: align_corners = false.
  init(length: Int, cellsTo output: Int) throws(Failure) {
    let step = Double(length) / Double(output)
    samples = try Buffer(count: output)
    for place in 0..<output { samples.base[place] = Self.sample((Double(place) + 0.5) * step - 0.5, length: length) }
  }

  private static func sample(_ position: Double, length: Int) -> Sample {
    let clamped = min(max(position, 0), Double(length - 1))
    let first = min(Int(clamped), max(length - 2, 0))
    return Sample(first: first, second: min(first + 1, length - 1), weight: Float(clamped - Double(first)))
  }
}

/// The value between four neighbours of a map.
///
/// - Parameters:
///   - upper: the map's row at the row sample's first place.
///   - lower: the one at its second place.
@inline(__always)
func bilinear(
  _ upper: UnsafePointer<Float>, _ lower: UnsafePointer<Float>, row: ResampledAxis.Sample, column: ResampledAxis.Sample
) -> Float {
  let (top, bottom) = (column.value(upper), column.value(lower))
  return top + (bottom - top) * row.weight
}
