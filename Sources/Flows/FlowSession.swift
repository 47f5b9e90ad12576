import Basics
import Execution
import Layers

/// Runs the flows of a detector, one call at a time; running allocates nothing.
///
/// Fibers are independent: they are cut into chunks, across all levels, and a thread takes a chunk through all blocks of
/// its flow before it meets the others again.
package final class FlowSession {
  private let flows: [Flow]
  private let workers: Workers
  private let chunks: [Chunk]
  /// One for each thread.
  private let scratch: [FlowScratch]
  /// The levels' features and results of the call at hand.
  private var features: [UnsafePointer<Float>] = []
  private var output: UnsafeMutablePointer<Float>?

  /// Some fibers of a level.
  private struct Chunk {
    let level: Int
    let first: Int
    let count: Int
    /// Where its results begin among those of all levels.
    let outputStart: Int
  }

  /// Fibers of a chunk. They are few enough that their activations stay in a core's caches and that threads share evenly, and
  /// enough that reading the weights costs less than the arithmetic. They are a multiple of the row tile of products of
  /// 8 bits (``GEMMShape``): 132 = 11 x 12, or 128 = 4 x 32.
  private static let fibersAtOnce = 132 / DynamicLinear.rowTile * DynamicLinear.rowTile

  /// The finest level's chunks are computed last. The last ones of these are smaller, so that all threads end at about the same time.
  private static func fibersAtOnce(ofLast rest: Int, _ workerCount: Int) -> Int {
    workerCount > 1 && rest <= workerCount * fibersAtOnce ? 48 : fibersAtOnce
  }

  package init(_ flows: [Flow], workers: Workers) throws(Failure) {
    var chunks: [Chunk] = []
    var start = 0
    for (level, flow) in flows.enumerated() {
      var first = 0
      while first < flow.grid.positions {
        let rest = flow.grid.positions - first
        let count = min(level == 0 ? Self.fibersAtOnce(ofLast: rest, workers.count) : Self.fibersAtOnce, rest)
        chunks.append(Chunk(level: level, first: first, count: count, outputStart: start + first))
        first += count
      }
      start += flow.grid.positions
    }
    // The coarse levels' chunks are the longest: begun first, they keep nobody waiting at the end.
    self.chunks = chunks.sorted { $0.level > $1.level }
    self.flows = flows
    self.workers = workers
    var scratch: [FlowScratch] = []
    for _ in 0..<workers.count { scratch.append(try FlowScratch(flows, count: Self.fibersAtOnce)) }
    self.scratch = scratch
  }

  /// Floats that a session for these flows holds.
  package static func scratchCount(_ flows: [Flow], workerCount: Int) -> Int {
    FlowScratch.Sizes(flows, count: fibersAtOnce).total * workerCount
  }

  /// log p / C of every fiber of every level.
  ///
  /// - Parameters:
  ///   - features: the fibers of each level, positions x C.
  ///   - output: one value for each position, the levels one after the other.
  package func logLikelihoods(
    features: [UnsafePointer<Float>], into output: UnsafeMutablePointer<Float>
  ) {
    (self.features, self.output) = (features, output)
    workers.run(parts: chunks.count, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, worker in
      Unmanaged<FlowSession>.fromOpaque(context).takeUnretainedValue().run(part, worker: worker)
    }
    self.output = nil
  }

  private func run(_ part: Int, worker: Int) {
    guard let output else { return }
    let chunk = chunks[part]
    let flow = flows[chunk.level]
    scratch[worker].logLikelihoods(
      flow, features: features[chunk.level] + chunk.first &* flow.grid.channels, firstPosition: chunk.first,
      count: chunk.count, into: output + chunk.outputStart)
  }
}
