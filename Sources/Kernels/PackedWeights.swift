import Basics

/// Gives a layer's weights as PyTorch's tensor has them, in order and a panel of outputs at a time, at most
/// ``Product/panelWidth``: writes the outputs' rows, one behind the other.
package typealias WeightRows = (_ outputs: Range<Int>, _ rows: UnsafeMutablePointer<Float>) throws(Failure) -> Void

/// A matrix of weights laid out as ``Product`` reads it: panels of outputs, and in a panel one vector of outputs for each
/// input. The last panel is filled up with zeros.
struct PackedWeights: Sendable {
  let outputs: Int
  private let panels: ConstantFloats

  var base: UnsafePointer<Float> { panels.base }
  var panelCount: Int { (outputs + Product.panelWidth - 1) / Product.panelWidth }

  /// - Parameters:
  ///   - taps: of each of the `inputs`. A row has all taps of an input together, the packed matrix all inputs of a tap.
  ///   - memory: where to pack them; nil for memory of its own.
  ///   - rows: rows of `inputs` x `taps`.
  init(
    outputs: Int, inputs: Int, taps: Int = 1, in memory: WeightMemory? = nil, rows: WeightRows
  ) throws(Failure) {
    guard let depth = checkedProduct([inputs, taps]),
      let count = checkedProduct([Product.paddedOutputs(outputs), depth])
    else { throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory") }
    let raw = try FloatBuffer(count: Product.panelWidth * depth, isBrief: true)
    let panel = try FloatBuffer(count: taps > 1 ? raw.count : 0, isBrief: true)
    self.outputs = outputs
    panels = try ConstantFloats(count: count, in: memory) { (memory) throws(Failure) in
      for first in stride(from: 0, to: outputs, by: Product.panelWidth) {
        let count = min(Product.panelWidth, outputs - first)
        try rows(first..<first + count, raw.base)
        let width = Self.width(ofPanelAt: first, outputs: outputs)
        if count < width { (raw.base + count * depth).update(repeating: 0, count: (width - count) * depth) }
        let target = memory + first * depth
        transpose(
          raw.base, stride: depth, rows: width, columns: depth, into: taps > 1 ? panel.base : target, stride: width)
        if taps > 1 { Self.exchange(inputs, taps, of: panel.base, width: width, into: target) }
      }
    }
  }

  /// Outputs of the panel that begins at one, with padding.
  static func width(ofPanelAt first: Int, outputs: Int) -> Int {
    min(Product.panelWidth, Product.paddedOutputs(outputs) - first)
  }

  /// inputs x taps vectors as taps x inputs.
  private static func exchange(
    _ inputs: Int, _ taps: Int, of source: UnsafePointer<Float>, width: Int, into target: UnsafeMutablePointer<Float>
  ) {
    for tap in 0..<taps {
      for input in 0..<inputs {
        let from = UnsafeRawPointer(source + (input &* taps &+ tap) &* width)
        let to = UnsafeMutableRawPointer(target + (tap &* inputs &+ input) &* width)
        for part in 0..<width / 8 {
          to.storeBytes(
            of: from.loadUnaligned(fromByteOffset: 32 &* part, as: SIMD8<Float>.self), toByteOffset: 32 &* part,
            as: SIMD8<Float>.self)
        }
      }
    }
  }
}
