import Basics
import Flows
import Kernels
import OpenBLAS

/// The fixed rotation or permutation of channels at the end of a coupling block.
enum Mixing {
  /// y = W v, W [C, C] row-major.
  case rotation(ConstantFloats)
  /// y[i] = v[indices[i]].
  case permutation([Int])

  init(_ mixing: BlockParameters.Mixing) throws(Failure) {
    switch mixing {
    case .rotation(let matrix): self = .rotation(try ConstantFloats(matrix))
    case .permutation(let indices): self = .permutation(indices.map { Int($0) })
    }
  }

  /// `w_perm`: [C, C], or the indices as [C].
  func tensor(channels: Int) throws(Failure) -> Tensor {
    switch self {
    case .rotation(let matrix):
      let values = UnsafeBufferPointer(start: matrix.base, count: matrix.count)
      return try Tensor(shape: [channels, channels], values: Array(values))
    case .permutation(let indices):
      return try Tensor(shape: [channels], values: indices.map { Float($0) })
    }
  }

  /// Mixes `count` rows of C values.
  func apply(_ v: UnsafePointer<Float>, count: Int, channels: Int, into y: UnsafeMutablePointer<Float>) {
    switch self {
    case .rotation(let matrix):
      BLAS.multiply(
        v, rowStride: channels, transposed: false, by: matrix.base, rowStride: channels, transposed: true, into: y,
        rowStride: channels, rows: count, columns: channels, depth: channels)
    case .permutation(let indices):
      for row in 0..<count {
        for i in 0..<channels { y[row &* channels &+ i] = v[row &* channels &+ indices[i]] }
      }
    }
  }

  /// The gradient by v of `count` rows, from that by y: the transposed of ``apply(_:count:channels:into:)``.
  func pullBack(_ dy: UnsafePointer<Float>, count: Int, channels: Int, into dv: UnsafeMutablePointer<Float>) {
    switch self {
    case .rotation(let matrix):
      BLAS.multiply(
        dy, rowStride: channels, transposed: false, by: matrix.base, rowStride: channels, transposed: false,
        into: dv, rowStride: channels, rows: count, columns: channels, depth: channels)
    case .permutation(let indices):
      for row in 0..<count {
        for i in 0..<channels { dv[row &* channels &+ indices[i]] = dy[row &* channels &+ i] }
      }
    }
  }
}
