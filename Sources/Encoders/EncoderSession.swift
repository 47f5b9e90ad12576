import Basics
import Kernels

/// Scratch memory to run an encoder at one input size, one call at a time. Its arena is planned once; running
/// allocates nothing.
package final class EncoderSession {
  /// The grid of each level, finest first.
  package let levelGrids: [Grid]
  private let encoder: Encoder
  private let plan: EncoderPlan
  private let arena: FloatBuffer
  private let scratch: FloatBuffer
  private let workers: Workers

  package init(_ encoder: Encoder, height: Int, width: Int, workers: Workers) throws(Failure) {
    let plan = try EncoderPlan(encoder, height: height, width: width)
    self.encoder = encoder
    self.plan = plan
    self.levelGrids = encoder.levels.map { plan.grids[$0] }
    self.arena = try FloatBuffer(count: plan.arenaCount)
    self.scratch = try FloatBuffer(count: plan.scratchCount(workers: workers.count))
    self.workers = workers
  }

  /// Floats that a session at this input size holds, with the plan's tables counted as such.
  package static func scratchCount(
    _ encoder: Encoder, height: Int, width: Int, workerCount: Int
  ) throws(Failure) -> Int {
    let plan = try EncoderPlan(encoder, height: height, width: width)
    return plan.arenaCount + plan.scratchCount(workers: workerCount) + plan.tableBytes / MemoryLayout<Float>.stride
  }

  /// Encodes a normalised image: height x width x 3, R G B.
  package func run(_ input: UnsafePointer<Float>) {
    for index in plan.steps.indices {
      let layer = encoder.layers[index]
      plan.steps[index].run(
        LayerMemory(
          input: value(layer.input, input), second: layer.second.map { value($0, input) },
          output: arena.base + plan.offsets[index + 1], scratch: scratch.base, workers: workers))
    }
  }

  /// The features of a level after ``run(_:)``: one row of channels ("fiber") per position, row-major positions. Valid
  /// until the next run.
  package func features(_ level: Int) -> UnsafePointer<Float> {
    UnsafePointer(arena.base + plan.offsets[encoder.levels[level]])
  }

  private func value(_ index: Int, _ input: UnsafePointer<Float>) -> UnsafePointer<Float> {
    index == 0 ? input : UnsafePointer(arena.base + plan.offsets[index])
  }
}
