import Basics
import Execution
import Kernels

/// What a layer of an encoder does, for any input size.
package protocol Operation: Sendable {
  associatedtype Plan: OperationPlan
  /// Prepares the operation for operands of these sizes.
  func plan(_ input: Grid, second: Grid?) throws(Failure) -> Plan
  /// Prepares the operation for an input of this size, when there is no second operand or its size follows from the input's.
  func plan(_ input: Grid) throws(Failure) -> Plan
  /// Computes the output. It is called for every frame: it must not allocate, and must give the same bits for any
  /// number of workers.
  func run(_ plan: Plan, _ memory: LayerMemory)
}

extension Operation {
  package func plan(_ input: Grid, second: Grid?) throws(Failure) -> Plan { try plan(input) }
}

/// An operation's output at one input size, and what it needs for it.
package protocol OperationPlan {
  var output: Grid { get }
  /// The scratch memory that it needs, in bytes.
  func scratchBytes(workers: Int) -> Int
  /// The size of the plan's tables in bytes.
  var tableBytes: Int { get }
}

extension OperationPlan {
  package func scratchBytes(workers: Int) -> Int { 0 }
  package var tableBytes: Int { 0 }
}

/// The plan of an operation that needs to know its input's size only.
package struct MapPlan: OperationPlan {
  package let input: Grid
  package let output: Grid

  package init(input: Grid, output: Grid) { (self.input, self.output) = (input, output) }
}

/// The memory that a layer reads and writes. Whether a map holds floats or bytes is known to the layer, which was prepared for it: so
/// memory of the arena, which is bound to no type, is read as what was written there.
package struct LayerMemory {
  private let inputMemory: UnsafeRawPointer
  private let secondMemory: UnsafeRawPointer?
  private let outputMemory: UnsafeMutableRawPointer
  package let scratch: UnsafeMutablePointer<Float>
  package let workers: Workers

  /// - Parameter second: the layer's second operand. Convolutions add it before the activation; it then has the output's size.
  package init(
    input: UnsafeRawPointer, second: UnsafeRawPointer?, output: UnsafeMutableRawPointer,
    scratch: UnsafeMutablePointer<Float>, workers: Workers
  ) {
    (inputMemory, secondMemory, outputMemory) = (input, second, output)
    (self.scratch, self.workers) = (scratch, workers)
  }

  // Maps of floats.
  package var input: UnsafePointer<Float> { inputMemory.assumingMemoryBound(to: Float.self) }
  package var second: UnsafePointer<Float>? { secondMemory?.assumingMemoryBound(to: Float.self) }
  package var output: UnsafeMutablePointer<Float> { outputMemory.assumingMemoryBound(to: Float.self) }

  // Maps of bytes.
  var inputBytes: UnsafePointer<UInt8> { inputMemory.assumingMemoryBound(to: UInt8.self) }
  var secondBytes: UnsafePointer<UInt8>? { secondMemory?.assumingMemoryBound(to: UInt8.self) }
  var outputBytes: UnsafeMutablePointer<UInt8> { outputMemory.assumingMemoryBound(to: UInt8.self) }
}
