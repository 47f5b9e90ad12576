import Basics
import Glibc
import Kernels

/// The sum over a tile's feature levels of their likelihoods at the network's size: bilinear(exp(log p / C - maximum of
/// the level)), with align_corners = true: the corners of a level's grid fall on the corners of the map. A detector may have
/// it smoothed by a Gaussian, as PaDiM and PatchCore smooth their maps.
struct LevelSum {
  let width: Int
  let height: Int
  private let axes: [(rows: SmoothedAxis, columns: SmoothedAxis)]
  private let grids: [Grid]
  /// exp(log p / C - maximum) of the level at hand.
  private let likelihoods: FloatBuffer
  /// Its rows, stretched to the map's width.
  private let lines: FloatBuffer

  /// - Parameter smoothing: the Gaussian's standard deviation in places of the map; 0 for none.
  init(width: Int, height: Int, levels grids: [Grid], smoothing: Double) throws(Failure) {
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
    lines = try FloatBuffer(count: grids.reduce(0) { max($0, $1.height) } * width)
  }

  /// Positions of each level.
  var positionCounts: [Int] { grids.map(\.positions) }

  /// Adds the sum to height x width values of a map, each times the weights of its column and its row.
  ///
  /// - Parameters:
  ///   - logLikelihoods: log p / C, the levels' grids one after the other, finest first.
  ///   - isUsed: as ``markUsed(_:where:)`` has it; nil when all positions are.
  ///   - pitch: values from one row of the map to the next.
  func add(
    logLikelihoods: UnsafePointer<Float>, levelMaxima: [Double], isUsed: UnsafePointer<Bool>?,
    columnWeights: UnsafePointer<Float>, rowWeights: UnsafePointer<Float>, to map: UnsafeMutablePointer<Float>,
    pitch: Int
  ) {
    var start = 0
    for (level, grid) in grids.enumerated() {
      let values = logLikelihoods + start
      for i in 0..<grid.positions { likelihoods.base[i] = Float(exp(Double(values[i]) - levelMaxima[level])) }
      // What is not used may exceed the maxima by anything: not so as to be infinite, and times a weight of 0 no
      // number.
      if let isUsed {
        for i in 0..<grid.positions where !isUsed[start &+ i] { likelihoods.base[i] = min(likelihoods.base[i], 1) }
      }
      let columns = axes[level].columns
      for y in 0..<grid.height {
        let source = likelihoods.base + y &* grid.width
        let line = lines.base + y &* width
        for x in 0..<width { line[x] = columns[x].value(source) * columnWeights[x] }
      }
      let rows = axes[level].rows
      for y in 0..<height {
        rows[y].addValues(lines.base, pitch: width, count: width, times: rowWeights[y], to: map + y &* pitch)
      }
      start &+= grid.positions
    }
  }

  /// Marks the positions, of all levels, that some places of the map take from.
  ///
  /// - Parameters:
  ///   - isInside: whether a place, of a row and a column, is one of them.
  ///   - isUsed: a value for each position, false.
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
