import Basics
import Imaging

/// Makes maps of stored log-likelihoods, of all frames for one set of constants: what calibration and evaluation ask for.
package struct LikelihoodMaps {
  private let anomalyMap: AnomalyMap
  private let layouts: FrameLayouts

  /// - Parameter region: the region in which frames are scored; nil for whole frames.
  package init(_ detector: Detector, region: RegionOfInterest?, smoothing: Double) throws(Failure) {
    anomalyMap = try AnomalyMap(
      detector.preprocessing, levels: detector.levels, smoothing: smoothing,
      arithmetic: detector.encoderDescription.precision.arithmetic)
    layouts = FrameLayouts(detector.preprocessing, anomalyMap.upsampler, region: region)
  }

  private var positionCounts: [Int] { anomalyMap.upsampler.positionCounts }

  /// The last frame's sum, or its map once that was made: height x width of its layout.
  package var values: UnsafePointer<Float> { anomalyMap.values }

  /// Computes the sum of a frame from its stored likelihoods.
  package func sum(_ frame: FrameLikelihoods, levelMaxima: [Double]) throws(Failure) -> FrameLayout {
    let layout = try layouts.layout(frameWidth: frame.width, frameHeight: frame.height)
    let positions = positionCounts.reduce(0, +)
    try frame.values.withUnsafeBufferPointer { (values) throws(Failure) in
      guard let values = values.baseAddress else { return }
      for tile in 0..<layout.tiles.count {
        try anomalyMap.add(
          tile: tile, of: layout, logLikelihoods: values + tile * positions, levelMaxima: levelMaxima)
      }
    }
    return layout
  }

  /// Computes the map of a frame.
  package func map(
    _ frame: FrameLikelihoods, levelMaxima: [Double], total: Double
  ) throws(Failure) -> AnomalyMap.Summary {
    anomalyMap.invert(try sum(frame, levelMaxima: levelMaxima), total: total)
  }

  /// The largest log-likelihood of each level over all frames, of those positions that the map uses.
  package func levelMaxima(of frames: [FrameLikelihoods]) throws(Failure) -> [Double] {
    var maxima = positionCounts.map { _ in -Float.infinity }
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
      let layout = try layouts.layout(frameWidth: frame.width, frameHeight: frame.height)
      var first = 0
      for tile in 0..<layout.tiles.count {
        let isUsed = layout.used(tile)
        var start = 0
        for (level, count) in positionCounts.enumerated() {
          for i in start..<start + count where isUsed?[i] ?? true { body(level, frame.values[first + i]) }
          start += count
        }
        first += start
      }
    }
  }
}
