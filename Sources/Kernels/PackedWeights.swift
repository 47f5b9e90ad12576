import Basics

/// A matrix of weights laid out as ``Product`` reads it: panels of outputs, and in a panel one vector of outputs for each
/// input. The last panel is filled up with zeros.
struct PackedWeights: Sendable {
  let outputs: Int
  let inputs: Int
  private let panels: ConstantFloats

  var base: UnsafePointer<Float> { panels.base }
  var panelCount: Int { (outputs + Product.panelWidth - 1) / Product.panelWidth }

  /// - Parameter weight: the weight of an output for an input.
  init(outputs: Int, inputs: Int, weight: (_ output: Int, _ input: Int) -> Float) throws(Failure) {
    self.outputs = outputs
    self.inputs = inputs
    let padded = Product.paddedOutputs(outputs)
    guard let count = checkedProduct([padded, inputs]) else {
      throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory")
    }
    panels = try ConstantFloats(count: count) { memory in
      for start in stride(from: 0, to: outputs, by: Product.panelWidth) {
        let width = min(Product.panelWidth, padded - start)
        let panel = memory + start * inputs
        for output in start..<min(start + width, outputs) {
          for input in 0..<inputs { panel[input * width + output - start] = weight(output, input) }
        }
      }
    }
  }
}
