import Basics
import Kernels
import Layers

/// An operation with its plan, whatever its type.
protocol Step: OperationPlan {
  func run(_ memory: LayerMemory)
}

extension Operation {
  func step(_ input: Grid, second: Grid?) throws(Failure) -> any Step {
    PlannedOperation(operation: self, plan: try plan(input, second: second))
  }
}

private struct PlannedOperation<Body: Operation>: Step {
  let operation: Body
  let plan: Body.Plan

  var output: Grid { plan.output }
  var tableBytes: Int { plan.tableBytes }
  func scratchBytes(workers: Int) -> Int { plan.scratchBytes(workers: workers) }
  func run(_ memory: LayerMemory) { operation.run(plan, memory) }
}
