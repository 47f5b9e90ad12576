import Basics
import Execution
import OpenBLAS

/// The moments that the fibers of all positions share.
extension GaussianFit {
  /// The mean fiber of each position, or the mean of these.
  static func means(
    _ features: LevelFeatures, ofPositions: Bool, _ workers: Workers
  ) throws(Failure) -> Buffer<Double> {
    let (positions, channels) = (features.grid.positions, features.grid.channels)
    let means = try Buffer<Double>(count: positions * channels)
    let share = 1 / Double(features.frames.count)
    workers.run(parts: positions) { position, _ in
      let mean = means.base + position * channels
      for frame in features.frames {
        let fiber = frame + position * channels
        for i in 0..<channels { mean[i] += Double(fiber[i]) * share }
      }
    }
    if ofPositions { return means }
    let mean = try Buffer<Double>(count: channels)
    for position in 0..<positions {
      for i in 0..<channels { mean.base[i] += means.base[position * channels + i] / Double(positions) }
    }
    return mean
  }

  /// The covariance of all fibers less their means: the lower triangle of C x C.
  static func pooledCovariance(
    _ features: LevelFeatures, _ means: Buffer<Double>, _ hasPositionMeans: Bool, _ workers: Workers
  ) throws(Failure) -> Buffer<Double> {
    let (positions, channels, rows) = (features.grid.positions, features.grid.channels, features.frames.count)
    // The channels alone decide the parts, so that sums do not depend on the number of threads, and also limit their memory.
    let parts = channels <= 512 ? min(positions, 16) : 2
    let square = channels * channels
    let sums = try Buffer<Double>(count: parts * square)
    let centred = try Buffer<Double>(count: workers.count * rows * channels)
    workers.run(parts: parts) { part, worker in
      let memory = centred.base + worker * rows * channels
      for position in positions * part / parts..<positions * (part + 1) / parts {
        features.centre(
          position: position, mean: means.base + (hasPositionMeans ? position * channels : 0), into: memory)
        LAPACK.addGram(of: memory, rows: rows, n: channels, to: sums.base + part * square)
      }
    }
    let share = 1 / Double(rows * positions)
    let covariance = try Buffer<Double>(count: square)
    for part in 0..<parts {
      for i in 0..<square { covariance.base[i] += sums.base[part * square + i] * share }
    }
    return covariance
  }
}
