import Basics
import Kernels

/// What a layer does, for any input size. Adding one to the library means to conform to this.
protocol Operation: Sendable {
  associatedtype Plan: OperationPlan
  /// Prepares the operation for operands of these sizes.
  func plan(_ input: Grid, second: Grid?) throws(Failure) -> Plan
  /// The same where the second operand's size follows from the input's, or there is none.
  func plan(_ input: Grid) throws(Failure) -> Plan
  /// Computes the output. Called for every frame: allocates nothing, and gives the same bits for any number of workers.
  func run(_ plan: Plan, _ memory: LayerMemory)
}

/// An operation's output at one input size, and what it needs for it.
protocol OperationPlan {
  var output: Grid { get }
  /// Bytes of scratch memory.
  func scratchBytes(workers: Int) -> Int
  /// Bytes of the plan's tables.
  var tableBytes: Int { get }
}

extension OperationPlan {
  func scratchBytes(workers: Int) -> Int { 0 }
  var tableBytes: Int { 0 }
}

/// What a layer reads and writes.
struct LayerMemory {
  let input: UnsafePointer<Float>
  /// The layer's second operand.
  let second: UnsafePointer<Float>?
  let output: UnsafeMutablePointer<Float>
  let scratch: UnsafeMutablePointer<Float>
  let workers: Workers
}

/// An operation with its plan, whatever its type.
protocol Step {
  var output: Grid { get }
  var tableBytes: Int { get }
  func scratchBytes(workers: Int) -> Int
  func run(_ memory: LayerMemory)
}

extension Operation {
  func plan(_ input: Grid, second: Grid?) throws(Failure) -> Plan { try plan(input) }

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
