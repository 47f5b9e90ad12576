import Basics
import Kernels
import Layers

/// The condition's share of a block's first layer on a grid. The first half of the encoding depends on the column alone
/// and the second on the row alone, so that two small tables are enough. The table of the rows includes the bias.
struct ConditionTables {
  private let rows: FloatBuffer
  private let columns: FloatBuffer
  private let grid: Grid
  /// Half of the encoding, for the places of either axis.
  private let encoding: SharedFloats
  /// P / 2.
  private let half: Int
  /// The floats from one place to the next: the length of a vector in ``RowBias``.
  private let stride: Int
  private let scratch: FloatBuffer
  private let arithmetic: Arithmetic

  /// - Parameters:
  ///   - stride: at least `hidden`.
  ///   - encoding: ``PositionalEncoding/axis(length:channels:)`` of the grid's longer side.
  init(
    _ grid: Grid, hidden: Int, stride: Int, encoding: SharedFloats, conditionChannels: Int, on arithmetic: Arithmetic
  ) throws(Failure) {
    (self.grid, self.encoding, half) = (grid, encoding, conditionChannels / 2)
    self.arithmetic = arithmetic
    self.stride = stride
    rows = try FloatBuffer(count: grid.height * stride)
    columns = try FloatBuffer(count: grid.width * stride)
    scratch = try FloatBuffer(count: UnpackedMatrix.scratchCount)
  }

  /// Computes the tables for some hidden units. `bias` has all units' biases; `weights` begins with the condition's P
  /// weights of the first of these units.
  func set(_ units: Range<Int>, bias: UnsafePointer<Float>, weights: UnsafePointer<Float>, weightStride: Int) {
    let first = units.lowerBound
    for y in 0..<grid.height { (rows.base + (y &* stride &+ first)).update(from: bias + first, count: units.count) }
    for (table, places, weights) in [(rows, grid.height, weights + half), (columns, grid.width, weights)] {
      UnpackedMatrix(weights, rowStride: weightStride, layout: .outputRows, inputs: half).multiply(
        encoding.base, xStride: half, rows: places, outputs: 0..<units.count, adding: true, into: table.base + first,
        yStride: stride, scratch: scratch.base, on: arithmetic)
    }
  }

  /// The tables when all units are set: one vector for each row and for each column of the grid.
  var constants: (rows: SharedFloats, columns: SharedFloats) { (SharedFloats(rows), SharedFloats(columns)) }
}
