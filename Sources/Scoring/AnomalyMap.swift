import Basics
import Glibc
import Kernels

/// The anomaly map of one frame from its levels' log-likelihoods, by constants frozen at calibration
/// (paper, section 4): total - sum over levels of bilinear(exp(log p / C - maximum of the level)).
///
/// The original takes maxima and total from the whole test set, so that a frame's score depends on its neighbours.
/// Bilinear with align_corners = true: the corners of a level's grid fall on the corners of the map.
package struct AnomalyMap {
  package let width: Int
  package let height: Int
  private let axes: [(rows: ResampledAxis, columns: ResampledAxis)]
  private let grids: [Grid]
  private let region: RegionOfInterest?
  /// Per position of all levels, whether a pixel of the region takes from it; empty without a region.
  let isUsed: [Bool]
  /// exp(log p / C - maximum) of the level at hand.
  private let likelihoods: FloatBuffer
  /// Its rows, stretched to the map's width.
  private let lines: FloatBuffer

  package init(width: Int, height: Int, levels grids: [Grid], region: RegionOfInterest? = nil) throws(Failure) {
    self.width = width
    self.height = height
    self.grids = grids
    self.region = region
    let axes = grids.map {
      (
        rows: ResampledAxis(length: $0.height, cornersTo: height),
        columns: ResampledAxis(length: $0.width, cornersTo: width)
      )
    }
    self.axes = axes
    isUsed = region.map { Self.used(by: $0, grids, axes) } ?? []
    likelihoods = try FloatBuffer(count: grids.reduce(0) { max($0, $1.positions) })
    lines = try FloatBuffer(count: grids.reduce(0) { max($0, $1.height) } * width)
  }

  /// Writes the sum over levels of bilinear(exp(log p / C - maximum)) for each pixel: height x width.
  ///
  /// - Parameter logLikelihoods: the levels' grids one after the other, finest first.
  package func sum(logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double], into map: UnsafeMutablePointer<Float>) {
    map.update(repeating: 0, count: width &* height)
    var values = logLikelihoods
    var start = 0
    for (level, grid) in grids.enumerated() {
      for i in 0..<grid.positions { likelihoods.base[i] = Float(exp(Double(values[i]) - levelMaxima[level])) }
      if region != nil { limit(start: start, grid.positions) }
      let columns = axes[level].columns
      for y in 0..<grid.height {
        let source = likelihoods.base + y &* grid.width
        let line = lines.base + y &* width
        for x in 0..<width { line[x] = columns[x].value(source) }
      }
      let rows = axes[level].rows
      for y in 0..<height {
        rows[y].addValues(lines.base, pitch: width, count: width, to: map + y &* width)
      }
      values += grid.positions
      start &+= grid.positions
    }
  }

  /// What no pixel of the region takes from may exceed the maxima, which are those of the region, by anything: not so as
  /// to be infinite, and times a weight of 0 no number.
  private func limit(start: Int, _ count: Int) {
    isUsed.withUnsafeBufferPointer { isUsed in
      for i in 0..<count where !isUsed[start &+ i] { likelihoods.base[i] = min(likelihoods.base[i], 1) }
    }
  }

  private static func used(
    by region: RegionOfInterest, _ grids: [Grid], _ axes: [(rows: ResampledAxis, columns: ResampledAxis)]
  ) -> [Bool] {
    var used: [Bool] = []
    for (grid, axes) in zip(grids, axes) {
      var level = [Bool](repeating: false, count: grid.positions)
      for y in 0..<region.height {
        for x in 0..<region.width where region.mask[y * region.width + x] != 0 {
          let (row, column) = (axes.rows[y], axes.columns[x])
          for (gridY, weight) in [(row.first, 1 - row.weight), (row.second, row.weight)] where weight > 0 {
            if column.weight < 1 { level[gridY * grid.width + column.first] = true }
            if column.weight > 0 { level[gridY * grid.width + column.second] = true }
          }
        }
      }
      used += level
    }
    return used
  }

  private static func maximum(of map: UnsafePointer<Float>, within region: RegionOfInterest) -> Float {
    region.mask.withUnsafeBufferPointer { mask in
      var maximum = -Float.infinity
      for i in mask.indices where mask[i] != 0 { maximum = max(maximum, map[i]) }
      return maximum
    }
  }

  /// Turns the sum into the anomaly map, in place, and returns its maximum within the region: the image's score. NaN when
  /// not all of the map is finite.
  package func invert(_ map: UnsafeMutablePointer<Float>, total: Double) -> Float {
    let total = Float(total)
    let count = width &* height
    let whole = count / 8 * 8
    var maxima = SIMD8<Float>(repeating: -.infinity)
    // Stays 0 as long as every value is finite.
    var probe = SIMD8<Float>()
    for i in stride(from: 0, to: whole, by: 8) {
      let place = UnsafeMutableRawPointer(map + i)
      let value = total - place.loadUnaligned(as: SIMD8<Float>.self)
      place.storeBytes(of: value, as: SIMD8<Float>.self)
      maxima.replace(with: value, where: value .> maxima)
      probe += value * 0
    }
    var (maximum, rest) = (maxima.max(), probe.sum())
    for i in whole..<count {
      map[i] = total - map[i]
      maximum = max(maximum, map[i])
      rest += map[i] * 0
    }
    guard rest == 0 else { return .nan }
    return region.map { Self.maximum(of: map, within: $0) } ?? maximum
  }
}
