import Basics
import Kernels

/// The condition's share of a block's first layer on a grid. The encoding is a function of the column in its first half and of
/// the row in its second, so two small tables hold it, the bias in that of the rows.
struct ConditionTables {
  private let rows: FloatBuffer
  private let columns: FloatBuffer
  private let grid: Grid
  /// Half of the encoding, for places of either axis.
  private let encoding: SharedFloats
  /// P / 2.
  private let half: Int
  /// Floats from place to place: as long as ``RowBias`` wants a vector.
  private let stride: Int
  private let scratch: FloatBuffer

  /// - Parameter encoding: ``PositionalEncoding/axis(length:channels:)`` of the grid's longer side.
  init(_ grid: Grid, hidden: Int, encoding: SharedFloats, conditionChannels: Int) throws(Failure) {
    (self.grid, self.encoding, half) = (grid, encoding, conditionChannels / 2)
    stride = Kernels.gemmShape.paddedOutputs(hidden)
    rows = try FloatBuffer(count: grid.height * stride)
    columns = try FloatBuffer(count: grid.width * stride)
    scratch = try FloatBuffer(count: UnpackedMatrix.scratchCount)
  }

  /// Sets the share of some hidden units, which have their bias and their P weights of the condition from there on.
  func set(_ units: Range<Int>, bias: UnsafePointer<Float>, weights: UnsafePointer<Float>, weightStride: Int) {
    let first = units.lowerBound
    for y in 0..<grid.height { (rows.base + (y &* stride &+ first)).update(from: bias + first, count: units.count) }
    for (table, places, weights) in [(rows, grid.height, weights + half), (columns, grid.width, weights)] {
      UnpackedMatrix(weights, rowStride: weightStride, layout: .outputRows, inputs: half).multiply(
        encoding.base, xStride: half, rows: places, outputs: 0..<units.count, adding: true, into: table.base + first,
        yStride: stride, scratch: scratch.base)
    }
  }

  /// The tables when all units are set: one vector for each row and for each column of the grid.
  var constants: (rows: SharedFloats, columns: SharedFloats) { (SharedFloats(rows), SharedFloats(columns)) }
}
