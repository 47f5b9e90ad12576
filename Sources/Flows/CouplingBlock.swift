import Basics
import Kernels

/// A coupling block prepared for scoring on one grid: the condition's share of the first layer is a bias by row plus one
/// by column.
struct CouplingBlock: Sendable {
  /// hidden x n1.
  let first: LinearMap
  /// The first layer's bias with the row's share of the condition: one vector for each row of the grid,
  /// as long as ``Product/Bias`` wants it.
  let rowBias: ConstantFloats
  /// The column's share of the condition: one vector for each column of the grid.
  let columnBias: ConstantFloats
  /// 2 n2 x hidden.
  let second: LinearMap
  let mixing: PackedBlock.Mixing

  init(_ block: PackedBlock, height: Int, width: Int) throws(Failure) {
    (first, second, mixing) = (block.first, block.second, block.mixing)
    (rowBias, columnBias) = try block.condition.bias(height: height, width: width)
  }
}
