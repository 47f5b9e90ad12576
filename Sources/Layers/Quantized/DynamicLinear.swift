import Basics
import CVectors
import Kernels

/// y = W x + bias in 8 bits: rows of x are quantized when they come, each with a scale of its own (dynamic quantization), and W once,
/// when it is packed, with a scale for each output. Sums are exact, so that all builds give the same bits.
package struct DynamicLinear: Sendable {
  /// What values a layer's inputs have, which decides what their bytes stand for.
  package enum Inputs: Sendable { case signed, nonnegative }

  package let inputs: Int
  package let outputs: Int
  private let kind: Inputs
  private let weights: QuantizedMatrix
  private let correction: SharedBuffer<Int32>
  private let multiplier: SharedFloats
  private let bias: SharedFloats

  /// - Parameters:
  ///   - bias: `outputs` values; empty for zeros.
  ///   - memory: for the weights; nil for memory of its own.
  ///   - scales: for each output what its integers are to be multiplied with.
  ///   - rows: rows of `inputs` integers within +-127.
  package init(
    outputs: Int, inputs: Int, of kind: Inputs, bias: [Float] = [], in memory: WeightMemory? = nil, scales: [Float],
    rows: IntegerRows
  ) throws(Failure) {
    guard scales.count == outputs, bias.isEmpty || bias.count == outputs else {
      throw Failure(.format, "\(scales.count) scales and a bias of \(bias.count) values do not fit \(outputs) outputs")
    }
    let zeros = [Float](repeating: kind == .signed ? 128 : 0, count: inputs)
    weights = try QuantizedMatrix(
      outputs: outputs, inputs: inputs, zeros: zeros, weights: .int8, in: memory, rows: rows)
    (self.inputs, self.outputs, self.kind) = (inputs, outputs, kind)
    correction = try SharedBuffer(weights.correction)
    let paddedCount = Self.paddedOutputs(outputs)
    multiplier = try SharedFloats(scales, paddedCount: paddedCount)
    self.bias = try SharedFloats(bias, paddedCount: paddedCount)
  }

  /// Integers within +-127 for a row of weights, and what they are to be multiplied with: the largest weight / 127.
  package static func quantize(
    _ row: UnsafePointer<Float>, count: Int, into integers: UnsafeMutablePointer<Int16>
  ) -> Float {
    cflowad_quantize_row(row, count, integers)
  }

  /// The outputs whose rows the initialiser asks for at a time.
  package static var panelWidth: Int { Kernels.quantized.quantizedShape(weights: .int8).panelWidth }

  /// Rows are best cut at multiples of this.
  package static var rowTile: Int { Kernels.quantized.quantizedShape(weights: .int8).rowTile }

  /// How many floats of a row of y are written, and how long the vectors of a ``RowBias`` are.
  package static func paddedOutputs(_ outputs: Int) -> Int {
    Kernels.quantized.quantizedShape(weights: .int8).paddedOutputs(outputs)
  }

  /// Memory for rows of x as bytes, and for their scales.
  package struct Scratch {
    fileprivate let bytes: UnsafeMutablePointer<UInt8>
    fileprivate let scales: UnsafeMutablePointer<Float>

    /// - Parameter floats: the memory, ``floatCount(rows:inputs:)`` of the longest rows; it begins as zeros.
    package init(_ floats: UnsafeMutablePointer<Float>, rows: Int) {
      scales = floats
      bytes = UnsafeMutableRawPointer(floats + rows).assumingMemoryBound(to: UInt8.self)
    }

    package static func floatCount(rows: Int, inputs: Int) -> Int { rows * (1 + DynamicLinear.byteStride(inputs) / 4) }
  }

  /// The bytes from one quantized row to the next: an odd number of cache lines, so that the rows of a product's tile fall into
  /// different sets of the cache.
  private static func byteStride(_ inputs: Int) -> Int { ((inputs + 63) / 64 | 1) * 64 }

  /// y = activation(bias + W x) for `count` rows.
  ///
  /// - Parameters:
  ///   - bias: replaces the layer's own bias.
  ///   - activation: one that limits values: none, ReLU, ReLU6.
  ///   - scratch: with memory for `count` rows of as many inputs.
  ///   - y: rows of ``paddedOutputs(_:)`` floats; must not overlap x.
  package func apply(
    _ x: UnsafePointer<Float>, xStride: Int, count: Int, bias: RowBias? = nil, activation: Activation = .identity,
    scratch: Scratch, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let byteStride = Self.byteStride(inputs)
    Kernels.quantized.quantize(
      RowQuantization(
        x: x, xStride: xStride, byteStride: byteStride, count: inputs, isSigned: kind == .signed,
        bytes: scratch.bytes, scales: scratch.scales), rows: 0..<count)
    Kernels.quantized.rowScaledGEMM(
      RowScaledGEMM(
        x: scratch.bytes, xStride: byteStride, depth: weights.depth, scales: scratch.scales, panels: weights.base,
        correction: correction.base, multiplier: multiplier.base, paddedOutputs: correction.count,
        bias: bias ?? .shared(self.bias.base), activation: activation, y: y, yStride: yStride), rows: 0..<count)
  }
}
