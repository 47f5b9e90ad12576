import Basics
import Execution
import Flows
import OpenBLAS

/// Fits a ``GaussianLayer`` in closed form: what the fibers of some frames have in common, and from it each position's
/// own covariance. Must be used within ``LAPACK/use(_:)``.
///
/// With the fibers x of n frames at a position p, m_p their mean (or one mean for all positions), S the covariance of x
/// - m_p pooled over all positions plus a ridge, and S = U' diag(s)^-2 U, whitened fibers are y = diag(s) U (x - m_p).
/// The covariance of a position is S_p = (1 - a) cov_p + a S, where a is the shrinkage towards the covariance that all
/// positions share. In whitened coordinates it is (1 - a) cov(y) + a 1.
final class GaussianFit {
  let features: LevelFeatures
  /// Whether each position has a mean of its own.
  let hasPositionMeans: Bool
  private let workers: Workers
  /// Positions x C, or one row.
  private let means: Buffer<Double>
  /// diag(s) U, row-major.
  private let whitening: Buffer<Double>
  private let basis: Buffer<Double>
  private let scale: [Double]

  private var channels: Int { features.grid.channels }
  private var positions: Int { features.grid.positions }

  /// Is added to the diagonal of the pooled covariance, as a share of its mean, so that directions in which the frames
  /// hardly vary do not dominate.
  private static let ridge = 0.01

  /// - Parameter features: features of at least one frame.
  init(_ features: LevelFeatures, hasPositionMeans: Bool, workers: Workers) throws(Failure) {
    self.features = features
    self.hasPositionMeans = hasPositionMeans
    self.workers = workers
    means = try Self.means(features, ofPositions: hasPositionMeans, workers)
    let channels = features.grid.channels
    basis = try Self.pooledCovariance(features, means, hasPositionMeans, workers)
    let covariance = basis.base
    let variance = (0..<channels).reduce(0) { $0 + covariance[$1 * channels + $1] } / Double(channels)
    guard variance.isFinite else { throw Failure(.diverged, "the features gave a value that is not finite") }
    // Fibers that do not vary at all have no scale of their own.
    let ridge = variance > 0 ? Self.ridge * variance : 1e-6
    for i in 0..<channels { covariance[i * channels + i] += ridge }
    let values = try LAPACK.eigenvectors(covariance, n: channels)
    // LAPACK's order is ascending; ours begins with the directions of largest variance.
    for row in 0..<channels / 2 {
      for i in 0..<channels {
        let (a, b) = (row * channels + i, (channels - 1 - row) * channels + i)
        (covariance[a], covariance[b]) = (covariance[b], covariance[a])
      }
    }
    // The ridge bounds every eigenvalue from below, except for rounding.
    scale = values.reversed().map { 1 / max($0, 0.5 * ridge).squareRoot() }
    whitening = try Buffer(count: channels * channels)
    for row in 0..<channels {
      for i in 0..<channels {
        whitening.base[row * channels + i] = scale[row] * covariance[row * channels + i]
      }
    }
  }

  /// Makes U a rotation, with the determinant +1 that FrEIA's mixing matrices have: it may be a reflection, since an
  /// eigenvector's sign is arbitrary.
  func makeRotation() throws(Failure) {
    guard try LAPACK.hasNegativeDeterminant(basis.base, n: channels) else { return }
    for i in (channels - 1) * channels..<channels * channels {
      basis.base[i].negate()
      whitening.base[i].negate()
    }
  }

  /// Whitens the fibers of a position of other frames of the same level: frames x C.
  func whiten(
    _ other: LevelFeatures, position: Int, scratch: UnsafeMutablePointer<Double>, into y: UnsafeMutablePointer<Double>
  ) {
    other.centre(position: position, mean: mean(position), into: scratch)
    LAPACK.multiply(
      scratch, rows: other.frames.count, byTransposed: whitening.base, columns: channels, depth: channels, into: y)
  }

  private func mean(_ position: Int) -> UnsafePointer<Double> {
    UnsafePointer(means.base + (hasPositionMeans ? position * channels : 0))
  }

  /// The parameters of the layer.
  ///
  /// - Parameters:
  ///   - rank: r, 0...C: leading directions in which each position has a covariance of its own.
  ///   - shrinkage: a, above 0 up to 1.
  func parameters(rank: Int, shrinkage: Double) throws(Failure) -> GaussianParameters {
    let count = GaussianParameters.triangleCount(rank)
    let factors = try FloatBuffer(count: positions * count, isBrief: true)
    if rank > 0 {
      try forEachPosition(rowCount: features.frames.count) { (position, memory) throws(Failure) in
        whiten(features, position: position, scratch: memory.centred, into: memory.whitened)
        try factor(memory, rank: rank, shrinkages: [shrinkage]) { (_, w) throws(Failure) in
          var target = factors.base + position * count
          for row in 0..<rank {
            for i in 0...row { target[i] = Float(w[row * rank + i]) }
            target += row + 1
          }
        }
      }
    }
    return try GaussianParameters(
      mean: floats(means), basis: floats(basis), scale: scale.map { Float($0) },
      factors: Array(UnsafeBufferPointer(start: factors.base, count: factors.count)), rank: rank)
  }

  /// How likely other frames are under each choice of rank and shrinkage.
  struct HeldBack {
    /// Mean log-density of the other frames' fibers when all positions share one covariance, over C.
    var pooled = 0.0
    /// `gains[shrinkage][direction]` is what a covariance for each position adds to ``pooled`` in that direction. Since W_p is
    /// triangular, a direction's gain does not depend on the rank: rank r adds the sum of the first r.
    var gains: [[Double]]
  }

  /// The mean log-density of frames that are not among ``features``.
  func heldBack(_ other: LevelFeatures, rank: Int, shrinkages: [Double]) throws(Failure) -> HeldBack {
    let channels = channels
    let rows = other.frames.count
    let width = shrinkages.count * rank + 1
    // Each position has a sum, and the sums are added in order, so that the result does not depend on threads.
    let sums = try Buffer<Double>(count: positions * width)
    try forEachPosition(rowCount: max(features.frames.count, rows)) { (position, memory) throws(Failure) in
      let sum = sums.base + position * width
      whiten(other, position: position, scratch: memory.centred, into: memory.others)
      for i in 0..<rows * channels { sum[0] -= 0.5 * memory.others[i] * memory.others[i] }
      guard rank > 0 else { return }
      whiten(features, position: position, scratch: memory.centred, into: memory.whitened)
      try factor(memory, rank: rank, shrinkages: shrinkages) { (index, w) throws(Failure) in
        for row in 0..<rows {
          (memory.centred + row * rank).update(from: memory.others + row * channels, count: rank)
        }
        LAPACK.multiply(rows: memory.centred, count: rows, stride: rank, byTriangle: w, n: rank)
        let gains = sum + (1 + index * rank)
        for i in 0..<rank {
          gains[i] = Double(rows) * log(w[i * rank + i])
          for row in 0..<rows {
            let (z, y) = (memory.centred[row * rank + i], memory.others[row * channels + i])
            gains[i] += 0.5 * (y * y - z * z)
          }
        }
      }
    }
    var totals = [Double](repeating: 0, count: width)
    for position in 0..<positions {
      for i in 0..<width { totals[i] += sums.base[position * width + i] }
    }
    let share = 1 / Double(max(rows * positions * channels, 1))
    let constant = scale.reduce(0) { $0 + log($1) } / Double(channels) - 0.5 * log(2 * Double.pi)
    return HeldBack(
      pooled: constant + totals[0] * share,
      gains: shrinkages.indices.map { index in (0..<rank).map { totals[1 + index * rank + $0] * share } })
  }

  /// Takes frames that are not among ``features`` through the layer, and by U' to symmetric coordinates: S^-1/2 (x - m_p) for
  /// rank 0. Symmetric coordinates hardly change between fits to similar frames. Eigenvectors can change much: their signs are
  /// arbitrary, and where eigenvalues are close so are their directions.
  ///
  /// - Parameters:
  ///   - z: receives for each frame positions x C values.
  ///   - logDeterminants: receives ln |det| of each position.
  func transform(
    _ other: LevelFeatures, rank: Int, shrinkage: Double, into z: [UnsafeMutablePointer<Float>],
    logDeterminants: UnsafeMutablePointer<Float>
  ) throws(Failure) {
    let (channels, rows) = (channels, other.frames.count)
    let constant = scale.reduce(0) { $0 + log($1) }
    let transposed = try Buffer<Double>(count: channels * channels, isBrief: true)
    for row in 0..<channels {
      for i in 0..<channels { transposed.base[i * channels + row] = basis.base[row * channels + i] }
    }
    try forEachPosition(rowCount: max(features.frames.count, rows)) { (position, memory) throws(Failure) in
      whiten(other, position: position, scratch: memory.centred, into: memory.others)
      var logDeterminant = constant
      if rank > 0 {
        whiten(features, position: position, scratch: memory.centred, into: memory.whitened)
        try factor(memory, rank: rank, shrinkages: [shrinkage]) { (_, w) throws(Failure) in
          LAPACK.multiply(rows: memory.others, count: rows, stride: channels, byTriangle: w, n: rank)
          for i in 0..<rank { logDeterminant += log(w[i * rank + i]) }
        }
      }
      LAPACK.multiply(
        memory.others, rows: rows, byTransposed: transposed.base, columns: channels, depth: channels,
        into: memory.centred)
      for row in 0..<rows {
        let target = z[row] + position * channels
        for i in 0..<channels { target[i] = Float(memory.centred[row * channels + i]) }
      }
      logDeterminants[position] = Float(logDeterminant)
    }
  }

  /// Mean log-density, over positions and C, of each of some frames that are not among ``features``.
  func logDensities(_ other: LevelFeatures, rank: Int, shrinkage: Double) throws(Failure) -> [Double] {
    let count = features.grid.count
    let z = try FloatBuffer(count: other.frames.count * count, isBrief: true)
    let logDeterminants = try FloatBuffer(count: positions)
    try transform(
      other, rank: rank, shrinkage: shrinkage, into: other.frames.indices.map { z.base + $0 * count },
      logDeterminants: logDeterminants.base)
    let volume = (0..<positions).reduce(0.0) { $0 + Double(logDeterminants.base[$1]) }
    return other.frames.indices.map {
      normalLogDensity(z.base + $0 * count, count: count, logDeterminant: volume)
    }
  }

  /// Computes the triangle of a position for each shrinkage, from the fibers in `memory.whitened`.
  private func factor(
    _ memory: Memory, rank: Int, shrinkages: [Double],
    _ body: (_ index: Int, _ w: UnsafePointer<Double>) throws(Failure) -> Void
  ) throws(Failure) {
    let count = features.frames.count
    for row in 0..<count {
      (memory.centred + row * rank).update(from: memory.whitened + row * channels, count: rank)
    }
    memory.gram.update(repeating: 0, count: rank * rank)
    LAPACK.addGram(of: memory.centred, rows: count, n: rank, to: memory.gram)
    for (index, shrinkage) in shrinkages.enumerated() {
      let weight = (1 - shrinkage) / Double(count)
      for i in 0..<rank * rank { memory.triangle[i] = weight * memory.gram[i] }
      for i in 0..<rank { memory.triangle[i * rank + i] += shrinkage }
      try LAPACK.invertCholesky(memory.triangle, n: rank)
      try body(index, memory.triangle)
    }
  }

  /// One thread's scratch memory.
  private struct Memory {
    let centred: UnsafeMutablePointer<Double>
    let whitened: UnsafeMutablePointer<Double>
    let others: UnsafeMutablePointer<Double>
    let gram: UnsafeMutablePointer<Double>
    let triangle: UnsafeMutablePointer<Double>
  }

  /// Calls the body for all positions, which threads share; throws the failure of the first position that failed.
  private func forEachPosition(
    rowCount: Int, _ body: (_ position: Int, _ memory: Memory) throws(Failure) -> Void
  ) throws(Failure) {
    let (rows, square) = (rowCount * channels, channels * channels)
    let size = 3 * rows + 2 * square
    let scratch = try Buffer<Double>(count: workers.count * size)
    var failures = [Failure?](repeating: nil, count: positions)
    failures.withUnsafeMutableBufferPointer { failures in
      guard let failures = failures.baseAddress else { return }
      workers.run(parts: positions) { position, worker in
        let base = scratch.base + worker * size
        let memory = Memory(
          centred: base, whitened: base + rows, others: base + 2 * rows, gram: base + 3 * rows,
          triangle: base + (3 * rows + square))
        do throws(Failure) { try body(position, memory) } catch { failures[position] = error }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }

  private func floats(_ values: Buffer<Double>) -> [Float] {
    UnsafeBufferPointer(start: values.base, count: values.count).map { Float($0) }
  }
}
