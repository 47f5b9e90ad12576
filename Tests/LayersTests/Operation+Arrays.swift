import Basics

@testable import Execution
@testable import Layers

extension Operation {
  /// Runs with scratch memory of its own.
  func run(
    _ x: UnsafePointer<Float>, _ plan: Plan, residual: UnsafePointer<Float>? = nil, into y: UnsafeMutablePointer<Float>,
    workers: Workers
  ) throws {
    let scratch = try FloatBuffer(count: (plan.scratchBytes(workers: workers.count) + 3) / 4)
    run(plan, LayerMemory(input: x, second: residual, output: y, scratch: scratch.base, workers: workers))
  }
}
