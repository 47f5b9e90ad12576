import Basics
import Kernels

/// Multi-head self-attention (Vaswani et al., 2017) without its linear maps: per head softmax(Q K^T / sqrt(d)) V.
///
/// A row of the input is a token's queries, keys and values, each `heads` times d channels, as timm's `attn.qkv` gives
/// them. A head's keys and values are packed like weights, so that both products are computed as in any other layer.
package struct Attention: Operation {
  package let heads: Int

  package init(heads: Int) { self.heads = heads }

  /// Attention over a number of tokens.
  package struct Plan: OperationPlan {
    package let output: Grid
    /// The scratch memory of each thread, in floats.
    fileprivate let scratchCount: Int
    fileprivate let tokens: Int
    /// Channels of a head.
    fileprivate let width: Int
    /// The bias of both products, which add none.
    fileprivate let zeros: SharedFloats

    package func scratchBytes(workers: Int) -> Int { MemoryLayout<Float>.stride * scratchCount * workers }
  }

  /// How many queries' scores are in memory at once.
  private static let queriesAtOnce = 48

  package func plan(_ input: Grid) throws(Failure) -> Plan {
    guard heads > 0, input.channels % (3 * heads) == 0 else {
      throw Failure(.format, "\(input.channels) channels are not queries, keys and values of \(heads) heads")
    }
    let (tokens, width) = (input.positions, input.channels / (3 * heads))
    let (paddedTokens, paddedWidth) = (
      Kernels.gemmShape.paddedOutputs(tokens), Kernels.gemmShape.paddedOutputs(width)
    )
    guard let keys = checkedProduct([paddedTokens, width]), let values = checkedProduct([tokens, paddedWidth]),
      let scores = checkedProduct([Self.queriesAtOnce, tokens])
    else { throw Failure(.outOfMemory, "attention over \(tokens) tokens does not fit the memory") }
    return Plan(
      output: Grid(height: input.height, width: input.width, channels: heads * width),
      scratchCount: keys + values + scores, tokens: tokens, width: width,
      zeros: try SharedFloats(count: max(paddedTokens, paddedWidth)) { _ in })
  }

  package func run(_ plan: Plan, _ memory: LayerMemory) {
    let job = Job(
      heads: heads, tokens: plan.tokens, width: plan.width, input: memory.input, zeros: plan.zeros.base,
      scratch: memory.scratch, scratchCount: plan.scratchCount, output: memory.output)
    withUnsafePointer(to: job) { job in
      memory.workers.run(parts: heads, context: job) { context, head, worker in
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
      let shape = Kernels.gemmShape
      let queries = input + head &* width
      let keys = scratch + worker &* scratchCount
      let values = keys + shape.paddedOutputs(tokens) &* width
      let scores = values + tokens &* shape.paddedOutputs(width)
      PackedMatrix.pack(
        queries + channels, stride: rowStride, isTransposed: true, rows: width, columns: tokens, into: keys)
      let scale = 1 / Float(width).squareRoot()
      for i in 0..<shape.paddedOutputs(tokens) &* width { keys[i] *= scale }
      PackedMatrix.pack(
        queries + 2 &* channels, stride: rowStride, rows: tokens, columns: width, into: values)
      for first in stride(from: 0, to: tokens, by: Attention.queriesAtOnce) {
        let rows = min(Attention.queriesAtOnce, tokens &- first)
        PackedMatrix.multiply(
          queries + first &* rowStride, xStride: rowStride, rows: rows, by: keys, depth: width, columns: tokens,
          zeros: zeros, into: scores, yStride: tokens)
        Kernels.selected.softmax(scores, rows: rows, count: tokens)
        PackedMatrix.multiply(
          scores, xStride: tokens, rows: rows, by: values, depth: tokens, columns: width, zeros: zeros,
          into: output + (first &* channels &+ head &* width), yStride: channels)
      }
    }
  }
}
