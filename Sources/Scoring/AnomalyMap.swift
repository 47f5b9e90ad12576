import Basics
import Imaging
import Kernels

/// The anomaly map of one frame from its levels' log-likelihoods, by constants frozen at calibration (paper, section
/// 4): total - sum over levels of bilinear(exp(log p / C - maximum of the level)). The original takes maxima and total
/// from the whole test set, which makes a frame's score depend on the other frames.
///
/// The sums of a frame's tiles are blended; a frame that is not cut is one tile, whose weights are 1. It keeps tables
/// for the last few frame sizes, and memory for the largest map. One frame at a time.
package final class AnomalyMap {
  /// The frame's map, or before ``invert(_:total:)`` its sum: height x width of its layout.
  package var values: UnsafePointer<Float> { UnsafePointer(buffer.base) }
  private let preprocessing: Preprocessing
  private let upsampler: LikelihoodUpsampler
  private let workers: Workers
  private let region: RegionOfInterest?
  private var buffer: FloatBuffer
  private var layouts = LRUCache<FrameLayout>()

  /// How many values are summed in single precision at most.
  private static var summedCount: Int { 1024 }

  /// - Parameters:
  ///   - region: the region in which frames are scored; nil for whole frames.
  ///   - smoothing: as ``Calibration/smoothing``.
  ///   - workers: share the work; nil for the calling thread alone.
  package init(
    _ preprocessing: Preprocessing, levels grids: [Grid], region: RegionOfInterest?, smoothing: Double,
    arithmetic: Arithmetic = .fast, workers: Workers? = nil
  ) throws(Failure) {
    self.preprocessing = preprocessing
    self.region = region
    self.workers = if let workers { workers } else { try Workers(count: 1) }
    upsampler = try LikelihoodUpsampler(
      width: preprocessing.width, height: preprocessing.height, levels: grids, smoothing: smoothing,
      arithmetic: arithmetic)
    buffer = try FloatBuffer(count: preprocessing.width * preprocessing.height)
  }

  /// The map of a detector in a region, smoothed as it was calibrated.
  package convenience init(
    _ detector: Detector, region: RegionOfInterest?, workers: Workers? = nil
  ) throws(Failure) {
    try self.init(
      detector.preprocessing, levels: detector.levels, region: region,
      smoothing: detector.calibration?.smoothing ?? 0, arithmetic: detector.encoderDescription.precision.arithmetic,
      workers: workers)
  }

  /// The layout for frames of a size. Makes tables for a size that was not met lately. Fails with `.outOfMemory`, and with
  /// `.invalidArgument` when the region is lost at this size.
  package func layout(frameWidth: Int, frameHeight: Int) throws(Failure) -> FrameLayout {
    try layouts.element {
      $0.frameWidth == frameWidth && $0.frameHeight == frameHeight
    } orMake: { () throws(Failure) in
      try FrameLayout(preprocessing, upsampler, frameWidth: frameWidth, frameHeight: frameHeight, region: region)
    }
  }

  /// Makes room for a frame's map.
  package func begin(_ layout: FrameLayout) throws(Failure) {
    if buffer.count < layout.count { buffer = try FloatBuffer(count: layout.count) }
  }

  /// Adds a tile's likelihoods to the sum of a frame that was begun. Tile 0 begins a new sum.
  package func add(
    tile: Int, of layout: FrameLayout, logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double]
  ) {
    if tile == 0 { buffer.base.update(repeating: 0, count: layout.width &* layout.height) }
    let (row, column) = layout.tiles.place(tile)
    let (left, top) = (layout.tiles.columns.mapStart(column), layout.tiles.rows.mapStart(row))
    upsampler.add(
      logLikelihoods: logLikelihoods, levelMaxima: levelMaxima, isUsed: layout.used(tile),
      columnWeights: layout.columns.weights(column), rowWeights: layout.rows.weights(row),
      to: buffer.base + top &* layout.width + left, pitch: layout.width, workers)
  }

  /// Computes the sum of a frame from its stored likelihoods.
  package func sum(_ frame: FrameLikelihoods, levelMaxima: [Double]) throws(Failure) -> FrameLayout {
    let layout = try layout(frameWidth: frame.width, frameHeight: frame.height)
    try begin(layout)
    let positions = upsampler.positionCounts.reduce(0, +)
    frame.values.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress else { return }
      for tile in 0..<layout.tiles.count {
        add(tile: tile, of: layout, logLikelihoods: values + tile * positions, levelMaxima: levelMaxima)
      }
    }
    return layout
  }

  /// The largest log-likelihood of each level over all frames, of those positions that the map uses.
  package func levelMaxima(of frames: [FrameLikelihoods]) throws(Failure) -> [Double] {
    var maxima = upsampler.positionCounts.map { _ in -Float.infinity }
    try forEachUsed(of: frames) { level, value in maxima[level] = max(maxima[level], value) }
    return maxima.map { Double($0) }
  }

  /// The mean of exp(log-likelihood - maximum) of each level over all frames, of those positions that the map uses.
  func levelMeans(of frames: [FrameLikelihoods], levelMaxima: [Double]) throws(Failure) -> [Double] {
    var (sums, counts) = (levelMaxima.map { _ in 0.0 }, levelMaxima.map { _ in 0.0 })
    try forEachUsed(of: frames) { level, value in
      sums[level] += PortableMath.exp(Double(value) - levelMaxima[level])
      counts[level] += 1
    }
    return zip(sums, counts).map { $0 / max($1, 1) }
  }

  /// Calls the body with each log-likelihood that the frames' maps use.
  private func forEachUsed(
    of frames: [FrameLikelihoods], _ body: (_ level: Int, _ logLikelihood: Float) -> Void
  ) throws(Failure) {
    for frame in frames {
      let layout = try layout(frameWidth: frame.width, frameHeight: frame.height)
      var first = 0
      for tile in 0..<layout.tiles.count {
        let isUsed = layout.used(tile)
        var start = 0
        for (level, count) in upsampler.positionCounts.enumerated() {
          for i in start..<start + count where isUsed?[i] ?? true { body(level, frame.values[first + i]) }
          start += count
        }
        first += start
      }
    }
  }

  /// What the map comes to within the region.
  package struct Summary: Sendable, Equatable {
    /// The image's score; NaN when not all of the map is finite.
    package var maximum: Float
    /// Is high when all of a frame is strange, even if no single place is stranger than the strangest of a good frame.
    package var mean: Float
  }

  /// Turns the sum into the anomaly map, in place.
  package func invert(_ layout: FrameLayout, total: Double) -> Summary {
    let map = buffer.base
    let total = Float(total)
    let count = layout.width &* layout.height
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
    return layout.summaryInside(map) ?? Summary(maximum: maximum, mean: Float(sum / Double(count)))
  }
}
