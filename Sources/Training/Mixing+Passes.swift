import Basics
import Flows
import Layers

/// What training needs of a block's mixing: its tensor and both passes.
extension Mixing {
  /// `w_perm`: [C, C], or the indices as [C].
  func tensor(channels: Int) throws(Failure) -> Tensor {
    switch self {
    case .rotation(let matrix):
      let values = UnsafeBufferPointer(start: matrix.base, count: matrix.count)
      try checkMemory(for: values.count, of: Float.self)
      return try Tensor(shape: [channels, channels], values: Array(values))
    case .permutation(let indices, _):
      return try Tensor(shape: [channels], values: indices.map { Float($0) })
    }
  }

  /// Mixes `count` rows of C values, for some of the columns of y.
  func forward(
    _ v: UnsafePointer<Float>, count: Int, channels: Int, columns: Range<Int>, into y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .rotation(let matrix):
      rotate(v, by: matrix, .outputRows, count: count, channels: channels, columns: columns, into: y, scratch: scratch)
    case .permutation(let indices, _):
      permute(v, by: indices, count: count, channels: channels, columns: columns, into: y)
    }
  }

  /// Computes d loss / dv from d loss / dy, for `count` rows and some of the columns of v.
  func backward(
    _ dy: UnsafePointer<Float>, count: Int, channels: Int, columns: Range<Int>,
    into dv: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .rotation(let matrix):
      rotate(dy, by: matrix, .inputRows, count: count, channels: channels, columns: columns, into: dv, scratch: scratch)
    case .permutation(_, let inverse):
      permute(dy, by: inverse, count: count, channels: channels, columns: columns, into: dv)
    }
  }

  private func rotate(
    _ source: UnsafePointer<Float>, by matrix: SharedFloats, _ layout: UnpackedMatrix.Layout, count: Int,
    channels: Int, columns: Range<Int>, into target: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    UnpackedMatrix(matrix.base, rowStride: channels, layout: layout, inputs: channels).multiply(
      source, xStride: channels, rows: count, outputs: columns, into: target, yStride: channels, scratch: scratch)
  }

  private func permute(
    _ source: UnsafePointer<Float>, by indices: [Int32], count: Int, channels: Int, columns: Range<Int>,
    into target: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      for i in columns { target[row &* channels &+ i] = source[row &* channels &+ Int(indices[i])] }
    }
  }
}
