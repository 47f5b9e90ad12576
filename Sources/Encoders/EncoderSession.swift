import Basics
import Execution
import Kernels
import Layers

/// Runs an encoder at one input size, one call at a time. It holds the memory for that, in an arena that is planned once, so that
/// running allocates nothing.
package final class EncoderSession {
  /// The grid of each level, finest first.
  package let levelGrids: [Grid]
  /// The features of each level after ``run(_:)``: one row of channels ("fiber") per position, row-major positions. The next run
  /// overwrites them.
  package let features: [UnsafePointer<Float>]
  private let encoder: Encoder
  private let plan: EncoderPlan
  private let arena: Buffer<UInt8>
  private let scratch: Buffer<UInt8>
  private let workers: Workers

  package init(_ encoder: Encoder, height: Int, width: Int, workers: Workers) throws(Failure) {
    let plan = try EncoderPlan(encoder, height: height, width: width)
    self.encoder = encoder
    self.plan = plan
    self.levelGrids = encoder.graph.levels.map { plan.maps[$0].grid }
    let arena = try Buffer<UInt8>(count: plan.arena.byteCount)
    self.features = encoder.graph.levels.map {
      UnsafePointer(plan.value($0, in: arena).assumingMemoryBound(to: Float.self))
    }
    self.arena = arena
    self.scratch = try Buffer(count: plan.scratchBytes(workers: workers.count))
    self.workers = workers
  }

  /// Bytes that a session at this input size holds, the plan's tables included.
  package static func byteCount(
    _ encoder: Encoder, height: Int, width: Int, workerCount: Int
  ) throws(Failure) -> Int {
    let plan = try EncoderPlan(encoder, height: height, width: width)
    return plan.arena.byteCount + plan.scratchBytes(workers: workerCount) + plan.tableBytes
  }

  /// Encodes an image: height x width x 3, R G B, floats that are normalised, or the pixels for an encoder of 8 bits.
  ///
  /// - Parameter observe: is given each value as soon as it is made: floats or bytes, as the plan's map says.
  package func run(_ image: UnsafeRawPointer, observe: (_ value: Int, _ map: UnsafeRawPointer) -> Void = { _, _ in }) {
    let scratch = UnsafeMutableRawPointer(scratch.base)
      .bindMemory(to: Float.self, capacity: scratch.count / MemoryLayout<Float>.stride)
    for index in plan.steps.indices {
      let second = encoder.graph.layers[index].second
      let output = plan.value(index + 1, in: arena)
      plan.steps[index].run(
        LayerMemory(
          input: operand(encoder.graph.layers[index].input, image), second: second.map { operand($0, image) },
          output: output, scratch: scratch, workers: workers))
      observe(index + 1, UnsafeRawPointer(output))
    }
  }

  private func operand(_ index: Int, _ image: UnsafeRawPointer) -> UnsafeRawPointer {
    index == 0 ? image : UnsafeRawPointer(plan.value(index, in: arena))
  }
}

extension EncoderPlan {
  /// The memory of a value.
  fileprivate func value(_ index: Int, in memory: Buffer<UInt8>) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(memory.base + arena.offsets[index - 1])
  }
}
