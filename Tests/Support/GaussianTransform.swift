import Basics
import Flows
import Kernels

/// The ``GaussianLayer`` as it is written down, fiber by fiber in double precision and in both directions.
struct GaussianTransform: Sendable {
  private let parameters: GaussianParameters
  private let channels: Int

  init(_ weights: StateDictionary, grid: Grid) throws(Failure) {
    parameters = try GaussianParameters(weights, grid: grid)
    channels = grid.channels
  }

  func forward(_ fiber: [Double], position: Int) -> (z: [Double], logDeterminant: Double) {
    let centred = zip(fiber, parameters.mean(at: position)).map { $0 - Double($1) }
    var z = (0..<channels).map { row in
      Double(parameters.scale[row]) * zip(basisRow(row), centred).reduce(0) { $0 + Double($1.0) * $1.1 }
    }
    if parameters.rank > 0 {
      let factor = Array(parameters.factor(at: position))
      for row in (0..<parameters.rank).reversed() {
        let start = GaussianParameters.triangleCount(row)
        z[row] = (0...row).reduce(0) { $0 + Double(factor[start + $1]) * z[$1] }
      }
    }
    return (z, parameters.logDeterminant(at: position))
  }

  func inverse(_ z: [Double], position: Int) -> [Double] {
    var y = z
    if parameters.rank > 0 {
      let factor = Array(parameters.factor(at: position))
      for row in 0..<parameters.rank {
        let start = GaussianParameters.triangleCount(row)
        let above = (0..<row).reduce(0) { $0 + Double(factor[start + $1]) * y[$1] }
        y[row] = (z[row] - above) / Double(factor[start + row])
      }
    }
    var fiber = parameters.mean(at: position).map(Double.init)
    for row in 0..<channels {
      // The inverse of a rotation is its transpose.
      for (i, value) in basisRow(row).enumerated() {
        fiber[i] += Double(value) * y[row] / Double(parameters.scale[row])
      }
    }
    return fiber
  }

  private func basisRow(_ row: Int) -> Slice<UnsafeBufferPointer<Float>> {
    parameters.basis.values[row * channels..<(row + 1) * channels]
  }
}

extension GaussianParameters {
  /// m of a position.
  fileprivate func mean(at position: Int) -> Slice<UnsafeBufferPointer<Float>> {
    let start = mean.count == scale.count ? 0 : position * scale.count
    return mean.values[start..<start + scale.count]
  }
}
