import Basics
import Kernels

// A convolution's second operand is added before the activation.

extension Convolution: Operation {
  func run(_ plan: Plan, _ memory: LayerMemory) {
    run(
      memory.input, plan, residual: memory.second, into: memory.output, scratch: memory.scratch,
      workers: memory.workers)
  }
}

extension Convolution.Plan: OperationPlan {
  func scratchBytes(workers: Int) -> Int { MemoryLayout<Float>.stride * scratchCount }
}

extension WinogradConvolution: Operation {
  func run(_ plan: Plan, _ memory: LayerMemory) {
    run(
      memory.input, plan, residual: memory.second, into: memory.output, scratch: memory.scratch,
      workers: memory.workers)
  }
}

extension WinogradConvolution.Plan: OperationPlan {
  func scratchBytes(workers: Int) -> Int { MemoryLayout<Float>.stride * scratchCount(workers: workers) }
}

extension GroupedConvolution: Operation {
  func run(_ plan: Plan, _ memory: LayerMemory) {
    run(memory.input, plan, into: memory.output, workers: memory.workers)
  }
}

extension GroupedConvolution.Plan: OperationPlan {}

extension DepthwiseConvolution: Operation {
  func run(_ plan: WindowPlan, _ memory: LayerMemory) {
    run(memory.input, plan, into: memory.output, workers: memory.workers)
  }
}

extension WindowPlan: OperationPlan {}
