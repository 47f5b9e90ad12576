import Basics
import Kernels

/// Scratch memory to run flows, one call at a time; running allocates nothing. One session serves all levels.
package final class FlowSession {
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
    let sizes = Sizes(flows)
    fibers = try FloatBuffer(count: sizes.fibers)
    mixed = try FloatBuffer(count: sizes.fibers)
    hidden = try FloatBuffer(count: sizes.hidden)
    coefficients = try FloatBuffer(count: sizes.fibers)
    logDeterminants = try FloatBuffer(count: sizes.rows)
    squaredNorms = try FloatBuffer(count: sizes.rows)
  }

  /// Floats that a session for these flows holds.
  package static func scratchCount(_ flows: [Flow]) -> Int {
    let sizes = Sizes(flows)
    return 3 * sizes.fibers + sizes.hidden + 2 * sizes.rows
  }

  /// What the largest chunk of any flow needs.
  private struct Sizes {
    var fibers = 0
    var hidden = 0
    var rows = 0

    init(_ flows: [Flow]) {
      for flow in flows {
        let count = min(flow.grid.positions, chunk)
        rows = max(rows, count)
        fibers = max(fibers, count * flow.grid.channels)
        for block in flow.blocks { hidden = max(hidden, count * block.first.outputs) }
      }
    }
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
        hidden.base, xStride: block.first.outputs, count: count, into: coefficients.base, yStride: 2 &* second)
      let coupling = Coupling(
        coefficients: coefficients.base, alpha: flow.clampAlpha, x2: current + first, stride: channels, width: second,
        logDeterminants: logDeterminants.base)
      Kernels.selected.coupling(coupling, 0..<count)
      switch block.mixing {
      case .rotation(let rotation):
        rotation.apply(current, xStride: channels, count: count, into: next, yStride: channels)
        swap(&current, &next)
      case .permutation(let indices, let scale, let offset):
        permute(current, by: indices, scale: scale.base, offset: offset.base, count: count, into: next)
        swap(&current, &next)
      case .last(let scale, let offset):
        let affine = GlobalAffine(u: current, scale: scale.base, offset: offset.base, channels: channels)
        Kernels.selected.squaredNorms(affine, 0..<count, squaredNorms.base)
      }
    }
    for i in 0..<count {
      let logDensity = flow.constant - 0.5 * Double(squaredNorms.base[i]) + Double(logDeterminants.base[i])
      output[i] = Float(logDensity / Double(channels))
    }
  }

  /// y[i] = u[permutation[i]] * scale[i] + offset[i] for each fiber: the hard permutation after the global affine.
  private func permute(
    _ u: UnsafePointer<Float>, by permutation: [Int32], scale: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let channels = permutation.count
    for row in 0..<count {
      let source = u + row &* channels
      let target = y + row &* channels
      for i in 0..<channels { target[i] = source[Int(permutation[i])] * scale[i] + offset[i] }
    }
  }
}
