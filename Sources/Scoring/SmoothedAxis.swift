import Basics
import Kernels

/// Interpolates a level's grid to the places of a map along one axis (linear, align_corners = true) and filters the result by a
/// Gaussian. Both are linear, so a place of the map is a weighted mean of a few neighbours on the grid, and smoothing costs hardly
/// anything.
struct SmoothedAxis {
  /// The ``count`` + 1 neighbours on the grid whose weighted mean a place of the map is; their weights sum to 1.
  struct Sample {
    let first: Int
    let count: Int
    /// The weights of all neighbours but the first.
    let weights: UnsafePointer<Float>

    /// The mean of some of a grid's rows, or of its columns when these are stored as rows.
    @inline(__always)
    func mean(_ rows: UnsafePointer<Float>, length: Int) -> RowMean {
      RowMean(rows: rows + first &* length, pitch: length, length: length, weights: weights, weightCount: count)
    }

    /// Whether the neighbour `offset` behind the first has a weight above 0.
    func takes(_ offset: Int) -> Bool {
      offset > 0 ? weights[offset - 1] > 0 : (0..<count).reduce(1) { $0 - weights[$1] } > 0
    }
  }

  private let samples: Buffer<Sample>
  /// Keeps the samples' weights alive.
  private let weights: FloatBuffer

  subscript(_ place: Int) -> Sample { samples.base[place] }

  /// The Gaussian is cut off at so many standard deviations, and the map is mirrored at its borders, as in
  /// `scipy.ndimage.gaussian_filter`.
  private static let reach = 4.0

  /// - Parameters:
  ///   - length: the length of the grid.
  ///   - output: the length of the map.
  ///   - smoothing: the Gaussian's standard deviation in places of the map; 0 for none.
  init(length: Int, output: Int, smoothing: Double) throws(Failure) {
    let axis = try ResampledAxis(length: length, cornersTo: output)
    let radius = Int(Self.reach * smoothing + 0.5)
    var kernel = (0...radius).map { offset in
      smoothing > 0 ? PortableMath.exp(-0.5 * Double(offset * offset) / (smoothing * smoothing)) : 1
    }
    let sum = kernel[0] + 2 * kernel.dropFirst().reduce(0, +)
    for offset in kernel.indices { kernel[offset] /= sum }

    var spans: [(first: Int, weights: ArraySlice<Double>)] = []
    for place in 0..<output {
      var shares = [Double](repeating: 0, count: length)
      var reached = axis[place].first...axis[place].second
      for offset in -radius...radius {
        let sample = axis[Self.mirrored(place + offset, length: output)]
        shares[sample.first] += kernel[abs(offset)] * (1 - Double(sample.weight))
        shares[sample.second] += kernel[abs(offset)] * Double(sample.weight)
        reached = min(reached.lowerBound, sample.first)...max(reached.upperBound, sample.second)
      }
      spans.append((reached.lowerBound, shares[reached].dropFirst()))
    }
    weights = try FloatBuffer(count: max(spans.reduce(0) { $0 + $1.weights.count }, 1))
    samples = try Buffer(count: output)
    var next = weights.base
    for (place, span) in spans.enumerated() {
      samples.base[place] = Sample(first: span.first, count: span.weights.count, weights: UnsafePointer(next))
      for weight in span.weights {
        next.pointee = Float(weight)
        next += 1
      }
    }
  }

  /// The place that is mirrored to a place beyond a border: c b a | a b c.
  private static func mirrored(_ place: Int, length: Int) -> Int {
    let period = 2 * length
    let inside = (place % period + period) % period
    return min(inside, period - 1 - inside)
  }
}
