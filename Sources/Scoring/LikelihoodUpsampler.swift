import Basics
import Execution
import Kernels
import Layers

/// Brings the likelihoods of a tile's feature levels to the network's size and sums them over the levels: bilinear(exp(log p / C
/// - maximum of the level)), with align_corners = true, so that the corners of a level's grid fall on the corners of the map. A
/// detector may have the sum smoothed by a Gaussian, as PaDiM and PatchCore smooth their maps.
struct LikelihoodUpsampler {
  let width: Int
  let height: Int
  private let axes: [(rows: SmoothedAxis, columns: SmoothedAxis)]
  private let grids: [Grid]
  private let arithmetic: Arithmetic
  /// exp(log p / C - maximum) of the current level, transposed: one column of the grid after the other, so that columns
  /// can be averaged like rows, many values at once.
  private let likelihoods: FloatBuffer
  /// The current level at the map's width: one column of the grid's height after the other.
  private let columns: FloatBuffer
  /// All levels at the map's width, one after the other, as rows.
  private let rows: FloatBuffer

  /// - Parameters:
  ///   - smoothing: the Gaussian's standard deviation in places of the map; 0 for none.
  ///   - arithmetic: whether all processors shall give the same bits.
  init(
    width: Int, height: Int, levels grids: [Grid], smoothing: Double, arithmetic: Arithmetic
  ) throws(Failure) {
    self.arithmetic = arithmetic
    self.width = width
    self.height = height
    self.grids = grids
    axes = try grids.map { (grid) throws(Failure) in
      (
        rows: try SmoothedAxis(length: grid.height, output: height, smoothing: smoothing),
        columns: try SmoothedAxis(length: grid.width, output: width, smoothing: smoothing)
      )
    }
    likelihoods = try FloatBuffer(count: grids.reduce(0) { max($0, $1.positions) })
    columns = try FloatBuffer(count: grids.reduce(0) { max($0, $1.height) } * width)
    rows = try FloatBuffer(count: grids.reduce(0) { $0 + $1.height } * width)
  }

  /// The number of positions of each level.
  var positionCounts: [Int] { grids.map(\.positions) }

  /// Adds the sum to height x width values of a map, each times the weights of its column and its row.
  ///
  /// - Parameters:
  ///   - logLikelihoods: log p / C, the levels' grids one after the other, finest first.
  ///   - isUsed: as ``markUsed(_:where:)`` sets it; nil when all positions are used.
  ///   - pitch: values from one row of the map to the next.
  ///   - workers: share the map's rows, most of the work. The bits of a row do not depend on the thread that computes it.
  func add(
    logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double], isUsed: UnsafePointer<Bool>?,
    columnWeights: UnsafePointer<Float>, rowWeights: UnsafePointer<Float>, to map: UnsafeMutablePointer<Float>,
    pitch: Int, _ workers: Workers
  ) {
    var (start, rows) = (0, self.rows.base)
    for (level, grid) in grids.enumerated() {
      writeLikelihoods(
        logLikelihoods + start, grid, maximum: levelMaxima[level], isUsed: isUsed.map { $0 + start })
      columns.base.update(repeating: 0, count: width &* grid.height)
      for x in 0..<width {
        let mean = axes[level].columns[x].mean(likelihoods.base, length: grid.height)
        Kernels.selected.addRowMean(mean, times: columnWeights[x], to: columns.base + x &* grid.height)
      }
      transpose(columns.base, stride: grid.height, rows: width, columns: grid.height, into: rows, stride: width)
      start &+= grid.positions
      rows += grid.height &* width
    }
    let job = RowsJob(upsampler: self, weights: rowWeights, map: map, pitch: pitch)
    withUnsafePointer(to: job) { job in
      workers.run(parts: (height &+ Self.bandRows &- 1) / Self.bandRows, context: job) { context, band, _ in
        context.assumingMemoryBound(to: RowsJob.self).pointee.add(band: band)
      }
    }
  }

  /// How many rows of the map one part of a job has, so that a part takes longer than handing it out.
  private static let bandRows = 16

  /// The last step, from the levels' ``rows`` to those of the map.
  private struct RowsJob {
    let upsampler: LikelihoodUpsampler
    let weights: UnsafePointer<Float>
    let map: UnsafeMutablePointer<Float>
    let pitch: Int

    func add(band: Int) {
      let (width, first) = (upsampler.width, band &* bandRows)
      // Adds all levels to a row of the map while the row is in the first-level cache.
      for y in first..<min(first &+ bandRows, upsampler.height) {
        var rows = UnsafePointer(upsampler.rows.base)
        for (level, grid) in upsampler.grids.enumerated() {
          let mean = upsampler.axes[level].rows[y].mean(rows, length: width)
          Kernels.selected.addRowMean(mean, times: weights[y], to: map + y &* pitch)
          rows += grid.height &* width
        }
      }
    }
  }

  /// exp(log p / C - maximum) of a level, transposed.
  private func writeLikelihoods(
    _ values: UnsafePointer<Float>, _ grid: Grid, maximum: Double, isUsed: UnsafePointer<Bool>?
  ) {
    let isExact = arithmetic == .exact
    if isExact { writeExactLikelihoods(values, grid, maximum: maximum) }
    for y in 0..<grid.height {
      for x in 0..<grid.width {
        let place = y &* grid.width &+ x
        var likelihood =
          isExact ? likelihoods.base[x &* grid.height &+ y] : Float(PortableMath.exp(Double(values[place]) - maximum))
        // Unused positions may lie far above the maximum: exp may be infinite there, and infinity times a weight of 0 is NaN.
        if let isUsed, !isUsed[place] { likelihood = min(likelihood, 1) }
        // Smaller values would not change the map, whose values are about 1, and their products would be subnormal,
        // which processors compute a hundred times slower.
        if likelihood < 1e-20 { likelihood = 0 }
        likelihoods.base[x &* grid.height &+ y] = likelihood
      }
    }
  }

  /// Does the same by the exponential function of the kernels that round alike, on all values at a time.
  private func writeExactLikelihoods(_ values: UnsafePointer<Float>, _ grid: Grid, maximum: Double) {
    for y in 0..<grid.height {
      for x in 0..<grid.width {
        likelihoods.base[x &* grid.height &+ y] = Float(Double(values[y &* grid.width &+ x]) - maximum)
      }
    }
    arithmetic.kernels.exp(likelihoods.base, count: grid.positions)
  }

  /// Marks the positions of all levels from which some places of the map are interpolated.
  ///
  /// - Parameters:
  ///   - isInside: whether a place of the map is one of them.
  ///   - isUsed: one value for each position, false at first.
  func markUsed(_ isUsed: UnsafeMutablePointer<Bool>, where isInside: (_ x: Int, _ y: Int) -> Bool) {
    for y in 0..<height {
      for x in 0..<width where isInside(x, y) {
        var level = isUsed
        for (grid, axes) in zip(grids, axes) {
          let (row, column) = (axes.rows[y], axes.columns[x])
          for i in 0...row.count where row.takes(i) {
            let places = level + ((row.first + i) * grid.width + column.first)
            for j in 0...column.count where column.takes(j) { places[j] = true }
          }
          level += grid.positions
        }
      }
    }
  }
}
