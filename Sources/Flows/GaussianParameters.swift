import Basics
import Kernels

/// The numbers of a ``GaussianLayer`` as a model file holds them, shapes and values checked.
///
/// | key | shape | |
/// |---|---|---|
/// | `gaussian.mean` | positions x C, or 1 x C | m_p: the mean fiber of each position, or one for all |
/// | `gaussian.basis` | C x C | U: the eigenvectors of the pooled covariance as rows, the largest eigenvalue's first |
/// | `gaussian.scale` | C | s: 1 / the square roots of the eigenvalues |
/// | `gaussian.factors` | positions x r (r + 1) / 2 | W_p: rows of lower triangles; missing when r = 0 |
///
/// Each row of W_p has a scale, a power of two, and all its numbers are integers of 16 bits times that scale, since the kernel
/// keeps rows as such integers. Older files hold any floats, which are rounded when they are read. With 8 bits U and W_p are integers, see ``quantize(_:)``.
package struct GaussianParameters: Sendable {
  package let mean: SharedFloats
  package let basis: SharedFloats
  package let scale: [Float]
  package private(set) var factors: [Float] = []
  /// r: the number of directions in which each position has a covariance of its own.
  package let rank: Int
  let channels: Int

  static let meanKey = "gaussian.mean"
  static let basisKey = "gaussian.basis"
  static let scaleKey = "gaussian.scale"
  static let factorsKey = "gaussian.factors"

  /// Fails with `.format` when a tensor is missing, does not have the shape that the grid requires, or does not
  /// describe a Gaussian.
  package init(_ weights: StateDictionary, grid: Grid) throws(Failure) {
    try self.init(withoutFactors: weights, grid: grid)
    var factors: [Float] = []
    try forEachTriangle(of: weights, grid: grid) { _, triangle in
      factors += UnsafeBufferPointer(start: triangle, count: Self.triangleCount(rank))
    }
    self.factors = factors
  }

  /// The same without ``factors``, which are most of it.
  init(withoutFactors weights: StateDictionary, grid: Grid) throws(Failure) {
    channels = grid.channels
    let meanRows = weights[Self.meanKey]?.shape.first == 1 ? 1 : grid.positions
    mean = try weights.weights(Self.meanKey, shape: [meanRows, channels]).shared()
    basis = try Self.basis(weights, channels: channels)
    // It must be a rotation, since |det| is computed without it.
    var place = 0
    _ = try Mixing.rotate([Double](repeating: 0, count: channels), by: Self.basisKey) { [basis] count, rows in
      rows.update(from: basis.base + place, count: count)
      place += count
    }
    scale = try weights.values(Self.scaleKey, shape: [channels])
    rank = try Self.rank(weights, channels: channels)
    guard scale.allSatisfy({ $0 > 0 }) else {
      throw Failure(.format, "a value of the tensor \(Self.scaleKey) is not above 0")
    }
  }

  /// Calls the body with each position's rounded triangle, if there are any. It gets one at a time, since together they may be most
  /// of a file. Fails as the initialiser does.
  func forEachTriangle(
    of weights: StateDictionary, grid: Grid, _ body: (_ position: Int, _ triangle: UnsafePointer<Float>) -> Void
  ) throws(Failure) {
    guard rank > 0 else { return }
    let count = Self.triangleCount(rank)
    let triangle = try FloatBuffer(count: count, isBrief: true)
    if Self.isQuantized(weights) {
      return try forEachByteTriangle(of: weights, grid: grid) { position, integers, scales in
        for row in 1...rank {
          for place in Self.triangleCount(row - 1)..<Self.triangleCount(row) {
            triangle.base[place] = Float(integers[place]) * scales[row - 1]
          }
        }
        body(position, UnsafePointer(triangle.base))
      }
    }
    let reader = try weights.weights(Self.factorsKey, shape: [grid.positions, count]).reader()
    for position in 0..<grid.positions {
      try reader.read(count, into: triangle.base)
      TriangularProduct.round(triangle.base, size: rank)
      guard (1...rank).allSatisfy({ triangle.base[Self.triangleCount($0) - 1] > 0 }) else {
        throw Failure(.format, "a diagonal value of the tensor \(Self.factorsKey) is not above 0")
      }
      body(position, triangle.base)
    }
  }

  /// - Parameters: as in the table; `factors` is empty when `rank` is 0, and is rounded.
  package init(
    mean: [Float], basis: [Float], scale: [Float], factors: [Float], rank: Int
  ) throws(Failure) {
    self.mean = try SharedFloats(mean)
    self.basis = try SharedFloats(basis)
    self.scale = scale
    self.factors = Self.rounded(factors, rank: rank)
    self.rank = rank
    channels = scale.count
  }

  /// Adds the tensors to a flow's.
  package func store(in weights: inout StateDictionary) throws(Failure) {
    weights[Self.meanKey] = try Tensor(shape: [mean.count / max(channels, 1), channels], values: Array(mean.values))
    weights[Self.basisKey] = try Tensor(shape: [channels, channels], values: Array(basis.values))
    weights[Self.scaleKey] = try Tensor(shape: [channels], values: scale)
    guard rank > 0 else { return }
    let count = Self.triangleCount(rank)
    weights[Self.factorsKey] = try Tensor(shape: [factors.count / count, count], values: factors)
  }

  /// Triangles as 16 bits hold them.
  private static func rounded(_ factors: [Float], rank: Int) -> [Float] {
    var rounded = factors
    let count = max(triangleCount(rank), 1)
    rounded.withUnsafeMutableBufferPointer { factors in
      guard let base = factors.baseAddress else { return }
      for start in stride(from: 0, to: factors.count, by: count) { TriangularProduct.round(base + start, size: rank) }
    }
    return rounded
  }

  /// The count of numbers in a lower triangle with its diagonal.
  package static func triangleCount(_ size: Int) -> Int { size * (size + 1) / 2 }

  /// The lower triangle of a position.
  package func factor(at position: Int) -> ArraySlice<Float> {
    let count = Self.triangleCount(rank)
    return factors[position * count..<(position + 1) * count]
  }

  /// ln |det| of the whole layer at a position.
  package func logDeterminant(at position: Int) -> Double {
    factors.withUnsafeBufferPointer { factors in
      Self.logDeterminant(
        from: logScale, factors.baseAddress.map { $0 + position * Self.triangleCount(rank) }, rank: rank)
    }
  }

  /// ln |det| of diag(s).
  var logScale: Double { scale.reduce(0.0) { $0 + PortableMath.log(Double($1)) } }

  /// The sum with ln |det| of a triangle.
  static func logDeterminant(from logScale: Double, _ triangle: UnsafePointer<Float>?, rank: Int) -> Double {
    guard rank > 0, let triangle else { return logScale }
    return (1...rank).reduce(logScale) { $0 + PortableMath.log(Double(triangle[triangleCount($1) - 1])) }
  }

  /// The rank whose triangles have as many numbers as the tensor's rows; 0 without the tensor.
  static func rank(_ weights: StateDictionary, channels: Int) throws(Failure) -> Int {
    guard let shape = weights[factorsKey]?.shape else { return 0 }
    let count = shape.last ?? 0
    guard let rank = (1...max(channels, 1)).first(where: { triangleCount($0) == count }) else {
      throw Failure(.format, "the tensor \(factorsKey) of shape \(shape) holds no triangles of up to \(channels) rows")
    }
    return rank
  }
}
