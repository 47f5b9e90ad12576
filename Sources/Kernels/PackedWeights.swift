import Basics

/// A matrix of weights laid out as ``Product`` reads it: panels of outputs, and in a panel one vector of outputs for each
/// input. The last panel is filled up with zeros.
struct PackedWeights: Sendable {
  let outputs: Int
  let inputs: Int
  private let panels: ConstantFloats

  var base: UnsafePointer<Float> { panels.base }
  var panelCount: Int { (outputs + Product.panelWidth - 1) / Product.panelWidth }

  /// - Parameter row: writes all weights of an output, one for each input.
  init(
    outputs: Int, inputs: Int, row: (_ output: Int, _ weights: UnsafeMutablePointer<Float>) -> Void
  ) throws(Failure) {
    guard let count = checkedProduct([Product.paddedOutputs(outputs), inputs]) else {
      throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory")
    }
    let rows = try FloatBuffer(count: Product.panelWidth * inputs)
    (self.outputs, self.inputs) = (outputs, inputs)
    panels = try ConstantFloats(count: count) { memory in
      for first in stride(from: 0, to: outputs, by: Product.panelWidth) {
        let count = min(Product.panelWidth, outputs - first)
        for i in 0..<count { row(first + i, rows.base + i * inputs) }
        let width = Self.width(ofPanelAt: first, outputs: outputs)
        // Rows of the panel before that this one does not have are its padding.
        for i in count..<max(width, count) { (rows.base + i * inputs).update(repeating: 0, count: inputs) }
        transpose(rows.base, stride: inputs, rows: width, columns: inputs, into: memory + first * inputs, stride: width)
      }
    }
  }

  /// Outputs of the panel that begins at one, with padding.
  static func width(ofPanelAt first: Int, outputs: Int) -> Int {
    min(Product.panelWidth, Product.paddedOutputs(outputs) - first)
  }
}
