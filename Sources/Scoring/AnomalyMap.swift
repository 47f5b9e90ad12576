import Basics
import Execution
import Imaging
import Kernels
import Layers

/// The anomaly map of one frame from its levels' log-likelihoods, by constants frozen at calibration (paper, section
/// 4): total - sum over levels of bilinear(exp(log p / C - maximum of the level)). The original takes maxima and total
/// from the whole test set, which makes a frame's score depend on the other frames.
///
/// The sums of a frame's tiles are blended; a frame that is not cut is one tile, whose weights are 1. Memory is as large as the
/// largest map so far. One frame at a time.
package final class AnomalyMap {
  /// The frame's map, or before its last tile the sum so far: height x width of its layout.
  package var values: UnsafePointer<Float> { UnsafePointer(buffer.base) }
  let upsampler: LikelihoodUpsampler
  private let workers: Workers
  private var buffer: FloatBuffer

  /// How many values are summed in single precision at most.
  private static var summedCount: Int { 1024 }

  /// - Parameters:
  ///   - smoothing: as ``Calibration/smoothing``.
  ///   - workers: share the work; nil for the calling thread alone.
  init(
    _ preprocessing: Preprocessing, levels grids: [Grid], smoothing: Double, arithmetic: Arithmetic,
    workers: Workers? = nil
  ) throws(Failure) {
    self.workers = if let workers { workers } else { try Workers(count: 1) }
    upsampler = try LikelihoodUpsampler(
      width: preprocessing.width, height: preprocessing.height, levels: grids, smoothing: smoothing,
      arithmetic: arithmetic)
    buffer = try FloatBuffer(count: preprocessing.width * preprocessing.height)
  }

  /// The map of a detector, smoothed as it was calibrated.
  convenience init(_ detector: Detector, workers: Workers? = nil) throws(Failure) {
    try self.init(
      detector.preprocessing, levels: detector.levels, smoothing: detector.calibration?.smoothing ?? 0,
      arithmetic: detector.encoderDescription.precision.arithmetic, workers: workers)
  }

  /// Takes the tiles of a frame in their order. With the last one their sum becomes the map, and its summary is returned; nil
  /// before. Allocates for a map larger than all before.
  func take(
    tile: Int, of layout: FrameLayout, logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double], total: Double
  ) throws(Failure) -> Summary? {
    try add(tile: tile, of: layout, logLikelihoods: logLikelihoods, levelMaxima: levelMaxima)
    return tile == layout.tiles.count &- 1 ? invert(layout, total: total) : nil
  }

  /// Adds a tile's likelihoods to the sum. Tile 0 begins a new one.
  func add(
    tile: Int, of layout: FrameLayout, logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double]
  ) throws(Failure) {
    if tile == 0 {
      if buffer.count < layout.count { buffer = try FloatBuffer(count: layout.count) }
      buffer.base.update(repeating: 0, count: layout.count)
    }
    let (row, column) = layout.tiles.place(tile)
    let (left, top) = (layout.tiles.columns.mapStart(column), layout.tiles.rows.mapStart(row))
    upsampler.add(
      logLikelihoods: logLikelihoods, levelMaxima: levelMaxima, isUsed: layout.used(tile),
      columnWeights: layout.columns.weights(column), rowWeights: layout.rows.weights(row),
      to: buffer.base + top &* layout.width + left, pitch: layout.width, workers)
  }

  /// The maximum and the mean of a map within the region of interest.
  package struct Summary: Sendable, Equatable {
    /// The image's score; NaN when not all of the map is finite.
    package var maximum: Float
    /// The mean of the map. It is high when all of a frame is strange, even if no single place is stranger than the strangest one
    /// of a good frame.
    package var mean: Float
  }

  /// Turns the sum into the anomaly map, in place.
  func invert(_ layout: FrameLayout, total: Double) -> Summary {
    let map = buffer.base
    let total = Float(total)
    let count = layout.count
    let whole = count / 8 * 8
    var maxima = SIMD8<Float>(repeating: -.infinity)
    // Stays 0 as long as every value is finite.
    var probe = SIMD8<Float>()
    var sum = 0.0
    for start in stride(from: 0, to: whole, by: Self.summedCount) {
      var partial = SIMD8<Float>()
      for i in stride(from: start, to: min(start &+ Self.summedCount, whole), by: 8) {
        let place = UnsafeMutableRawPointer(map + i)
        let value = total - place.loadUnaligned(as: SIMD8<Float>.self)
        place.storeBytes(of: value, as: SIMD8<Float>.self)
        maxima.replace(with: value, where: value .> maxima)
        probe += value * 0
        partial += value
      }
      sum += Double(partial.sum())
    }
    var (maximum, rest) = (maxima.max(), probe.sum())
    for i in whole..<count {
      map[i] = total - map[i]
      maximum = max(maximum, map[i])
      rest += map[i] * 0
      sum += Double(map[i])
    }
    guard rest == 0 else { return Summary(maximum: .nan, mean: .nan) }
    return summary(map, inside: layout.region) ?? Summary(maximum: maximum, mean: Float(sum / Double(count)))
  }

  /// The summary of the values inside a region; nil without a region.
  private func summary(_ map: UnsafePointer<Float>, inside region: RegionOfInterest?) -> Summary? {
    region?.mask.withUnsafeBufferPointer { mask in
      var (maximum, sum, count) = (-Float.infinity, 0.0, 0)
      for i in mask.indices where mask[i] != 0 {
        maximum = max(maximum, map[i])
        sum += Double(map[i])
        count &+= 1
      }
      return Summary(maximum: maximum, mean: Float(sum / Double(count)))
    }
  }
}
