import Basics

/// A matrix of weights laid out as ``Product`` reads it: panels of outputs, and in a panel one vector of outputs for each
/// input. The last panel is filled up with zeros.
struct PackedWeights: Sendable {
  let outputs: Int
  let inputs: Int
  private let panels: ConstantFloats
  /// Where this matrix begins among the panels.
  private let offset: Int

  var base: UnsafePointer<Float> { panels.base + offset }
  var panelCount: Int { (outputs + Product.panelWidth - 1) / Product.panelWidth }

  /// - Parameter row: writes all weights of an output, one for each input.
  init(
    outputs: Int, inputs: Int, row: (_ output: Int, _ weights: UnsafeMutablePointer<Float>) -> Void
  ) throws(Failure) {
    let rows = try FloatBuffer(count: Product.panelWidth * inputs)
    self = try Self.matrices(1, outputs: outputs, inputs: inputs) { memory, _ in
      for first in stride(from: 0, to: outputs, by: Product.panelWidth) {
        let count = min(Product.panelWidth, outputs - first)
        for i in 0..<count { row(first + i, rows.base + i * inputs) }
        let width = Self.width(ofPanelAt: first, outputs: outputs)
        // Rows of the panel before that this one does not have are its padding.
        for i in count..<max(width, count) { (rows.base + i * inputs).update(repeating: 0, count: inputs) }
        Self.interleave(rows.base, width: width, inputs: inputs, into: memory + first * inputs)
      }
    }[0]
  }

  /// Matrices of one size, in one piece of memory.
  ///
  /// - Parameter fill: receives the first matrix's zeros, and how many floats each matrix begins after the one before.
  static func matrices(
    _ count: Int, outputs: Int, inputs: Int, fill: (UnsafeMutablePointer<Float>, _ matrixStride: Int) -> Void
  ) throws(Failure) -> [PackedWeights] {
    guard let size = checkedProduct([Product.paddedOutputs(outputs), inputs]), let all = checkedProduct([size, count])
    else { throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory") }
    let panels = try ConstantFloats(count: all) { fill($0, size) }
    return (0..<count).map { PackedWeights(outputs: outputs, inputs: inputs, panels: panels, offset: $0 * size) }
  }

  private init(outputs: Int, inputs: Int, panels: ConstantFloats, offset: Int) {
    (self.outputs, self.inputs, self.panels, self.offset) = (outputs, inputs, panels, offset)
  }

  /// Outputs of the panel that begins at one, with padding.
  static func width(ofPanelAt first: Int, outputs: Int) -> Int {
    min(Product.panelWidth, Product.paddedOutputs(outputs) - first)
  }

  /// `width` rows of inputs as `inputs` rows of `width`.
  private static func interleave(
    _ rows: UnsafeMutablePointer<Float>, width: Int, inputs: Int, into panel: UnsafeMutablePointer<Float>
  ) {
    transpose(rows, stride: inputs, rows: width, columns: inputs, into: panel, stride: width)
  }
}
