import Basics
import Kernels
import Layers

/// A conditional Gaussian as the first layer of a flow: an affine map for each position p of the grid that whitens the
/// fibers of good frames.
/// ```
/// y = diag(s) U (x - m_p)      z[..<r] = W_p y[..<r]      z[r...] = y[r...]
/// ln |det| = sum ln s + sum ln diag W_p
/// ```
/// diag(s) U whitens by the covariance that all positions have in common; W_p, which is lower triangular, whitens
/// position p's remaining covariance in the r leading directions. With r = C every position has a covariance of its
/// own, with r = 0 none has. Without coupling blocks behind it, log p(z) + ln |det| is the log-density of N(m_p, S_p):
/// PaDiM's Gaussian (T. Defard et al., ICPR 2020), level by level.
struct GaussianLayer: Sendable {
  private let channels: Int
  /// Positions x C, or one row.
  private let means: SharedFloats
  private let hasPositionMeans: Bool
  private let whitening: Linear
  private let rank: Int
  private let arithmetic: Arithmetic
  /// A packed triangle for each position.
  private let factors: Factors
  /// ln |det| for each position.
  private let logDeterminants: SharedFloats

  private enum Factors {
    /// r = 0.
    case none
    case words(SharedBuffer<Int16>)
    case bytes(SharedBuffer<Int8>)
  }

  /// - Parameter precision: with 8 bits triangles are of bytes, see ``GaussianParameters/quantize(_:)``.
  init(_ weights: StateDictionary, grid: Grid, precision: Precision, memory: WeightMemory) throws(Failure) {
    var weights = weights
    if precision == .int8 { try GaussianParameters.quantize(&weights) }
    let arithmetic = precision.arithmetic
    let parameters = try GaussianParameters(withoutFactors: weights, grid: grid)
    let rank = parameters.rank
    (channels, self.rank) = (grid.channels, rank)
    self.arithmetic = arithmetic
    hasPositionMeans = parameters.mean.count > grid.channels
    means = parameters.mean
    whitening = try Linear(outputs: channels, inputs: channels, on: arithmetic, in: memory) { (outputs, rows) in
      for (i, output) in outputs.enumerated() {
        for j in 0..<grid.channels {
          rows[i * grid.channels + j] = parameters.scale[output] * parameters.basis.base[output * grid.channels + j]
        }
      }
    }
    let logScale = parameters.logScale
    var logDeterminants = [Float](repeating: Float(logScale), count: grid.positions)
    if rank == 0 {
      factors = .none
    } else if precision == .int8 {
      let packed = ByteTriangularProduct.matrixCount(size: rank)
      factors = .bytes(
        try SharedBuffer(count: grid.positions * packed, in: memory) { (target) throws(Failure) in
          try parameters.forEachByteTriangle(of: weights, grid: grid) { position, triangle, scales in
            ByteTriangularProduct.pack(triangle, scales: scales, size: rank, into: target + position * packed)
            logDeterminants[position] = Float(
              (1...rank).reduce(logScale) {
                let place = GaussianParameters.triangleCount($1) - 1
                return $0 + PortableMath.log(Double(triangle[place]) * Double(scales[$1 - 1]))
              })
          }
        })
    } else {
      let packed = TriangularProduct.matrixCount(size: rank)
      factors = .words(
        try SharedBuffer(count: grid.positions * packed, in: memory) { (target) throws(Failure) in
          try parameters.forEachTriangle(of: weights, grid: grid) { position, triangle in
            TriangularProduct.pack(triangle, size: rank, into: target + position * packed)
            logDeterminants[position] = Float(GaussianParameters.logDeterminant(from: logScale, triangle, rank: rank))
          }
        })
    }
    guard logDeterminants.allSatisfy(\.isFinite) else {
      throw Failure(.format, "the Gaussian's determinant is not finite")
    }
    self.logDeterminants = try SharedFloats(logDeterminants)
  }

  /// Takes some fibers, the first of which is at `position` of the grid, through the layer.
  ///
  /// - Parameters:
  ///   - fibers: rows of C, one after the other.
  ///   - centred: scratch memory for rows of C, `stride` floats apart.
  ///   - output: receives z as such rows.
  ///   - logDeterminants: receives ln |det| for each.
  func apply(
    _ fibers: UnsafePointer<Float>, position: Int, count: Int, centred: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>, stride: Int, logDeterminants: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let fiber = fibers + row &* channels
      let mean = means.base + (hasPositionMeans ? (position &+ row) &* channels : 0)
      let target = centred + row &* stride
      for i in 0..<channels { target[i] = fiber[i] - mean[i] }
    }
    whitening.apply(centred, xStride: stride, count: count, into: output, yStride: stride)
    switch factors {
    case .none: break
    case .words(let matrices):
      let size = TriangularProduct.matrixCount(size: rank)
      arithmetic.kernels.triangularProduct(
        TriangularProduct(matrices: matrices.base + position &* size, size: rank, x: output, stride: stride),
        rows: 0..<count)
    case .bytes(let matrices):
      let size = ByteTriangularProduct.matrixCount(size: rank)
      arithmetic.kernels.byteTriangularProduct(
        ByteTriangularProduct(matrices: matrices.base + position &* size, size: rank, x: output, stride: stride),
        rows: 0..<count)
    }
    logDeterminants.update(from: self.logDeterminants.base + position, count: count)
  }
}
