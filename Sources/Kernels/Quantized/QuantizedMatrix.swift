import Basics

/// A matrix of integer weights of 8 or 16 bits, laid out as ``QuantizedGEMM`` reads it.
package struct QuantizedMatrix: Sendable {
  package let outputs: Int
  package let shape: GEMMShape
  /// Inputs of a tap, with zeros up to a multiple of four.
  package let depth: Int
  /// What each output's sum begins with: less the products with the inputs' zeros. As many as the panels are wide.
  package let correction: [Int32]
  private let panels: SharedBuffer<UInt8>

  package var base: UnsafeRawPointer { UnsafeRawPointer(panels.base) }
  package var panelCount: Int { shape.panelCount(outputs) }
  package var isWide: Bool { shape.element == .int16 }

  /// - Parameters:
  ///   - taps: of each of the `inputs`. A row has all taps of an input together, the packed matrix all inputs of a tap.
  ///   - zeros: of the inputs, within 0...255.
  ///   - weights: `int8` or `int16`.
  ///   - kernels: what to pack for.
  ///   - memory: where to pack them; nil for memory of its own.
  ///   - rows: rows of `inputs` x `taps` integers. Fails with `.format` when there are others, or when bytes times weights
  ///     could have a sum of more than 32 bits.
  package init(
    outputs: Int, inputs: Int, taps: Int = 1, zeros: [Float], weights: ElementType,
    for kernels: any QuantizedKernels = Kernels.quantized,
    in memory: WeightMemory? = nil, rows: WeightRows
  ) throws(Failure) {
    guard zeros.count == inputs else { throw Failure(.format, "\(zeros.count) zeros do not fit \(inputs) inputs") }
    let shape = kernels.quantizedShape(weights: weights)
    let depth = (inputs + 3) / 4 * 4
    let width = shape.panelWidth
    guard let rowLength = checkedProduct([inputs, taps]),
      let panelBytes = checkedProduct([width, taps, depth, shape.element.byteCount]),
      let byteCount = checkedProduct([shape.panelCount(outputs), panelBytes])
    else { throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory") }
    let raw = try FloatBuffer(count: width * rowLength, isBrief: true)
    var correction = [Int32](repeating: 0, count: shape.paddedOutputs(outputs))
    panels = try SharedBuffer(count: byteCount, in: memory) { (memory) throws(Failure) in
      for first in stride(from: 0, to: outputs, by: width) {
        let count = min(width, outputs - first)
        try rows(first..<first + count, raw.base)
        let panel = UnsafeMutableRawPointer(memory) + first / width * panelBytes
        for output in 0..<count {
          let row = raw.base + output * rowLength
          correction[first + output] = try -Self.checkedSum(row, zeros, taps: taps, isWide: weights == .int16)
          if shape.element == .int16 {
            let panel = panel.assumingMemoryBound(to: Int16.self)
            Self.forEach(inputs, taps) { place, input, group in
              panel[(2 &* group &+ input & 1) &* 32 &+ 2 &* output &+ input / 2] = Int16(row[place])
            }
          } else {
            let panel = panel.assumingMemoryBound(to: Int8.self)
            Self.forEach(inputs, taps) { place, input, group in
              panel[(16 &* group &+ output) &* 4 &+ input] = Int8(row[place])
            }
          }
        }
      }
    }
    (self.outputs, self.shape, self.depth, self.correction) = (outputs, shape, depth, correction)
  }

  /// Calls with each place of a row, which of a group's four inputs it is, and the number of the group.
  @inline(__always)
  private static func forEach(_ inputs: Int, _ taps: Int, _ body: (_ place: Int, _ input: Int, _ group: Int) -> Void) {
    let groups = (inputs + 3) / 4
    for input in 0..<inputs {
      for tap in 0..<taps { body(input &* taps &+ tap, input & 3, tap &* groups &+ input / 4) }
    }
  }

  /// The sum of a row's products with the inputs' zeros.
  private static func checkedSum(
    _ row: UnsafePointer<Float>, _ zeros: [Float], taps: Int, isWide: Bool
  ) throws(Failure) -> Int32 {
    let limit: Float = isWide ? 32_767 : 127
    var (sum, magnitude) = (0, 0)
    for (input, zero) in zeros.enumerated() {
      for weight in UnsafeBufferPointer(start: row + input * taps, count: taps) {
        guard abs(weight) <= limit, weight == weight.rounded() else {
          throw Failure(.format, "a weight of \(weight) is not an integer within \(limit)")
        }
        sum += Int(weight) * Int(zero)
        magnitude += abs(Int(weight))
      }
    }
    guard magnitude * 255 <= Int(Int32.max) else {
      throw Failure(.format, "an output's weights would have sums of more than 32 bits")
    }
    return Int32(sum)
  }
}
