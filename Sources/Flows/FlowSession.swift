import Basics
import Kernels

/// Scratch memory to run flows, one call at a time; running allocates nothing. One session serves all levels.
package final class FlowSession {
  /// Floats that the session holds.
  package let scratchCount: Int
  /// Fibers and, swapped with them block by block, the next block's fibers: chunk x C.
  private let fibers: FloatBuffer
  private let mixed: FloatBuffer
  /// The subnet's hidden layer, and s and t.
  private let hidden: FloatBuffer
  private let coefficients: FloatBuffer
  private let logDeterminants: FloatBuffer
  private let squaredNorms: FloatBuffer

  /// Fibers that go through the blocks together: bounds the scratch memory on large grids.
  private static let chunk = 1024

  package init(_ flows: [Flow]) throws(Failure) {
    var channels = 0
    var hiddenWidth = 0
    var rows = 0
    for flow in flows {
      channels = max(channels, min(flow.grid.positions, Self.chunk) * flow.grid.channels)
      rows = max(rows, min(flow.grid.positions, Self.chunk))
      for block in flow.blocks {
        hiddenWidth = max(hiddenWidth, min(flow.grid.positions, Self.chunk) * block.first.outputs)
      }
    }
    fibers = try FloatBuffer(count: channels)
    mixed = try FloatBuffer(count: channels)
    hidden = try FloatBuffer(count: hiddenWidth)
    coefficients = try FloatBuffer(count: channels)
    logDeterminants = try FloatBuffer(count: rows)
    squaredNorms = try FloatBuffer(count: rows)
    scratchCount = 3 * channels + hiddenWidth + 2 * rows
  }

  /// log p / C of every fiber of a level.
  ///
  /// - Parameters:
  ///   - features: the level's fibers, positions x C.
  ///   - output: one value for each position.
  package func logLikelihoods(
    _ flow: Flow, features: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    var first = 0
    while first < flow.grid.positions {
      let count = min(Self.chunk, flow.grid.positions &- first)
      run(flow, features: features + first &* flow.grid.channels, firstPosition: first, count: count, output + first)
      first &+= count
    }
  }

  private func run(
    _ flow: Flow, features: UnsafePointer<Float>, firstPosition: Int, count: Int, _ output: UnsafeMutablePointer<Float>
  ) {
    let channels = flow.grid.channels
    let second = channels / 2
    let first = channels &- second
    var current = fibers.base
    var next = mixed.base
    current.update(from: features, count: count &* channels)
    logDeterminants.base.update(repeating: 0, count: count)
    for block in flow.blocks {
      block.first.apply(
        current, xStride: channels, count: count,
        bias: .grid(
          rows: block.rowBias.base, columns: block.columnBias.base, width: flow.grid.width, first: firstPosition),
        activation: .relu, into: hidden.base, yStride: block.first.outputs)
      block.second.apply(
        hidden.base, xStride: block.first.outputs, count: count, bias: .shared(block.secondBias.base),
        into: coefficients.base, yStride: 2 &* second)
      Coupling.transform(
        coefficients: coefficients.base, alpha: flow.clampAlpha, x2: current + first, stride: channels, width: second,
        count: count, logDeterminants: logDeterminants.base)
      switch block.mixing {
      case .rotation(let rotation, let bias):
        rotation.apply(
          current, xStride: channels, count: count, bias: .shared(bias.base), into: next, yStride: channels)
        swap(&current, &next)
      case .permutation(let indices, let scale, let offset):
        indices.withUnsafeBufferPointer { indices in
          guard let permutation = indices.baseAddress else { return }
          Coupling.permute(
            current, permutation: permutation, scale: scale.base, offset: offset.base, channels: channels,
            count: count, into: next)
        }
        swap(&current, &next)
      case .last(let scale, let offset):
        Coupling.squaredNorms(
          current, scale: scale.base, offset: offset.base, channels: channels, count: count, into: squaredNorms.base)
      }
    }
    for i in 0..<count {
      let logDensity = flow.constant - 0.5 * Double(squaredNorms.base[i]) + Double(logDeterminants.base[i])
      output[i] = Float(logDensity / Double(channels))
    }
  }
}
