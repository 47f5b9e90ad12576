import Basics

/// Multi-head self-attention (Vaswani et al., 2017) without its linear maps: per head softmax(Q K^T / sqrt(d)) V.
///
/// A row of the input is a token's queries, keys and values, each `heads` times d channels, as timm's `attn.qkv` gives
/// them. A head's keys and values are packed like weights, so that both products are those of any other layer.
package struct Attention: Sendable {
  package let heads: Int

  package init(heads: Int) { self.heads = heads }

  /// Attention over a number of tokens.
  package struct Plan {
    package let output: Grid
    /// Floats of scratch memory that ``Attention/run(_:_:into:scratch:workers:)`` needs for each thread.
    package let scratchCount: Int
    fileprivate let tokens: Int
    /// Channels of a head.
    fileprivate let width: Int
    /// The products' bias.
    fileprivate let zeros: ConstantFloats
  }

  /// Queries whose scores are held at once.
  private static let queriesAtOnce = 48

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    guard heads > 0, input.channels % (3 * heads) == 0 else {
      throw Failure(.format, "\(input.channels) channels are not queries, keys and values of \(heads) heads")
    }
    let (tokens, width) = (input.positions, input.channels / (3 * heads))
    let (paddedTokens, paddedWidth) = (Product.paddedOutputs(tokens), Product.paddedOutputs(width))
    guard let keys = checkedProduct([paddedTokens, width]), let values = checkedProduct([tokens, paddedWidth]),
      let scores = checkedProduct([Self.queriesAtOnce, tokens])
    else { throw Failure(.outOfMemory, "attention over \(tokens) tokens does not fit the memory") }
    return Plan(
      output: Grid(height: input.height, width: input.width, channels: heads * width),
      scratchCount: keys + values + scores, tokens: tokens, width: width,
      zeros: try ConstantFloats(count: max(paddedTokens, paddedWidth)) { _ in })
  }

  package func run(
    _ input: UnsafePointer<Float>, _ plan: Plan, into output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    let job = Job(
      heads: heads, tokens: plan.tokens, width: plan.width, input: input, zeros: plan.zeros.base, scratch: scratch,
      scratchCount: plan.scratchCount, output: output)
    withUnsafePointer(to: job) { job in
      workers.run(parts: heads, context: job) { context, head, worker in
        context.assumingMemoryBound(to: Job.self).pointee.head(head, worker: worker)
      }
    }
  }

  private struct Job {
    let heads: Int
    let tokens: Int
    let width: Int
    let input: UnsafePointer<Float>
    let zeros: UnsafePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
    let scratchCount: Int
    let output: UnsafeMutablePointer<Float>

    func head(_ head: Int, worker: Int) {
      let channels = heads &* width
      let rowStride = 3 &* channels
      let queries = input + head &* width
      let keys = scratch + worker &* scratchCount
      let values = keys + Product.paddedOutputs(tokens) &* width
      let scores = values + tokens &* Product.paddedOutputs(width)
      pack(
        queries + channels, outputs: tokens, inputs: width, outputStride: rowStride, inputStride: 1,
        scale: 1 / Float(width).squareRoot(), into: keys)
      pack(
        queries + 2 &* channels, outputs: width, inputs: tokens, outputStride: 1, inputStride: rowStride, scale: 1,
        into: values)
      for first in stride(from: 0, to: tokens, by: Attention.queriesAtOnce) {
        let rows = min(Attention.queriesAtOnce, tokens &- first)
        multiply(
          queries + first &* rowStride, rows: rows, xStride: rowStride, depth: width, panels: keys, outputs: tokens,
          into: scores, yStride: tokens)
        Kernels.selected.softmax(scores, rows: rows, count: tokens)
        multiply(
          scores, rows: rows, xStride: tokens, depth: tokens, panels: values, outputs: width,
          into: output + (first &* channels &+ head &* width), yStride: channels)
      }
    }

    private func multiply(
      _ x: UnsafePointer<Float>, rows: Int, xStride: Int, depth: Int, panels: UnsafePointer<Float>, outputs: Int,
      into y: UnsafeMutablePointer<Float>, yStride: Int
    ) {
      let product = Product(
        rows: rows, x: x, xStride: xStride, depth: depth, zeros: zeros, panels: panels, outputs: outputs,
        bias: .shared(zeros), residual: nil, activation: .identity, y: y, yStride: yStride)
      let panelCount = (outputs &+ Product.panelWidth &- 1) / Product.panelWidth
      Kernels.selected.product(product, rows: 0..<rows, panels: 0..<panelCount)
    }

    /// Lays a matrix out as ``Product`` reads weights: see ``PackedWeights``.
    private func pack(
      _ matrix: UnsafePointer<Float>, outputs: Int, inputs: Int, outputStride: Int, inputStride: Int, scale: Float,
      into panels: UnsafeMutablePointer<Float>
    ) {
      let padded = Product.paddedOutputs(outputs)
      for start in stride(from: 0, to: outputs, by: Product.panelWidth) {
        let width = min(Product.panelWidth, padded &- start)
        let panel = panels + start &* inputs
        for lane in 0..<width {
          let output = start &+ lane
          let source = matrix + output &* outputStride
          for input in 0..<inputs {
            panel[input &* width &+ lane] = output < outputs ? source[input &* inputStride] * scale : 0
          }
        }
      }
    }
  }
}
