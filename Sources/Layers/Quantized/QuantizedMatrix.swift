import Basics
import CVectors
import Kernels

/// A matrix of integer weights of 8 or 16 bits, laid out as ``QuantizedGEMM`` reads it.
package struct QuantizedMatrix: Sendable {
  package let outputs: Int
  package let shape: GEMMShape
  /// The number of inputs of a tap, rounded up to a multiple of four.
  package let depth: Int
  /// The number that each output's sum begins with, which takes away the products with the inputs' zeros; padded like the panels.
  package let correction: [Int32]
  private let panels: SharedBuffer<UInt8>

  package var base: UnsafeRawPointer { UnsafeRawPointer(panels.base) }
  package var panelCount: Int { shape.panelCount(outputs) }
  package var isWide: Bool { shape.element == .int16 }

  /// - Parameters:
  ///   - taps: how many taps each of the `inputs` has. A row has all taps of an input together; the packed matrix has all inputs of
  ///     a tap together.
  ///   - zeros: the bytes that stand for 0 in each input.
  ///   - weights: `int8` or `int16`.
  ///   - kernels: the kernels to pack for.
  ///   - memory: the memory for the weights; nil for memory of its own.
  ///   - rows: rows of `inputs` x `taps` integers within +-127, or +-32,767 when weights are `int16`. Fails with `.format` when a
  ///     sum of bytes times weights could have more than 32 bits.
  package init(
    outputs: Int, inputs: Int, taps: Int = 1, zeros: [Float], weights: ElementType,
    for kernels: any QuantizedKernels = Kernels.quantized,
    in memory: WeightMemory? = nil, rows: IntegerRows
  ) throws(Failure) {
    guard zeros.count == inputs else { throw Failure(.format, "\(zeros.count) zeros do not fit \(inputs) inputs") }
    let shape = kernels.quantizedShape(weights: weights)
    guard shape.depthGroup == 4 else { throw Failure(.unsupported, "bytes cannot be packed for \(shape)") }
    let depth = (inputs + 3) / 4 * 4
    let width = shape.panelWidth
    guard let rowLength = checkedProduct([inputs, taps]),
      let panelBytes = checkedProduct([width, taps, depth, shape.element.byteCount]),
      let byteCount = checkedProduct([shape.panelCount(outputs), panelBytes]), byteCount <= .max - shape.readAhead
    else { throw Failure(.outOfMemory, "a matrix of \(outputs) x \(inputs) does not fit the memory") }
    let raw = try Buffer<Int16>(count: width * rowLength, isBrief: true)
    let row = try IntegerRow(inputs: inputs, taps: taps, depth: depth, zeros: zeros)
    var correction = [Int32](repeating: 0, count: shape.paddedOutputs(outputs))
    panels = try SharedBuffer(count: byteCount + shape.readAhead, in: memory) { (memory) throws(Failure) in
      for first in stride(from: 0, to: outputs, by: width) {
        let count = min(width, outputs - first)
        try rows(first..<first + count, raw.base)
        let panel = (UnsafeMutableRawPointer(memory) + first / width * panelBytes).assumingMemoryBound(to: UInt32.self)
        for output in 0..<count {
          correction[first + output] = try -row.set(raw.base + output * rowLength)
          if shape.element == .int16 {
            row.pack16(into: panel + output, width: width)
          } else {
            row.pack8(into: panel + output, width: width)
          }
        }
      }
    }
    (self.outputs, self.shape, self.depth, self.correction) = (outputs, shape, depth, correction)
  }
}

/// A row of weights with all inputs of a tap together and zeros up to a multiple of four.
private struct IntegerRow {
  private let inputs: Int
  private let taps: Int
  private let depth: Int
  private let values: Buffer<Int16>
  /// The zero of each place of a row as it is given.
  private let zeros: Buffer<Int16>

  init(inputs: Int, taps: Int, depth: Int, zeros: [Float]) throws(Failure) {
    (self.inputs, self.taps, self.depth) = (inputs, taps, depth)
    values = try Buffer(count: taps * depth, isBrief: true)
    values.base.update(repeating: 0, count: values.count)
    self.zeros = try Buffer(count: inputs * taps, isBrief: true)
    for (input, zero) in zeros.enumerated() {
      for tap in 0..<taps { self.zeros.base[input * taps + tap] = Int16(zero) }
    }
  }

  /// Takes a row and returns the sum of its products with the inputs' zeros. Fails with `.format` when a sum of bytes times
  /// weights could have more than 32 bits.
  func set(_ row: UnsafePointer<Int16>) throws(Failure) -> Int32 {
    let sums = cflowad_row_sums(row, zeros.base, zeros.count)
    guard sums.magnitude <= Int(Int32.max) / 255 else {
      throw Failure(.format, "an output's weights would have sums of more than 32 bits")
    }
    if taps == 1 {
      values.base.update(from: row, count: inputs)
    } else {
      for tap in 0..<taps {
        for input in 0..<inputs { values.base[tap &* depth &+ input] = row[input &* taps &+ tap] }
      }
    }
    return Int32(sums.products)
  }

  /// Writes four bytes for each group of four inputs, one number in each row of the panel.
  func pack8(into panel: UnsafeMutablePointer<UInt32>, width: Int) {
    forEachGroup { group, weights in
      panel[width &* group] = UInt32(
        truncatingIfNeeded: weights & 0xff | weights &>> 8 & 0xff00 | weights &>> 16 & 0xff_0000
          | weights &>> 24 & 0xff00_0000)
    }
  }

  /// Writes for each group of four inputs the first and third as 16 bits each, and in the next row the second and fourth.
  func pack16(into panel: UnsafeMutablePointer<UInt32>, width: Int) {
    forEachGroup { group, weights in
      panel[2 &* width &* group] = UInt32(truncatingIfNeeded: weights & 0xffff | weights &>> 16 & 0xffff_0000)
      panel[2 &* width &* group &+ width] = UInt32(
        truncatingIfNeeded: weights &>> 16 & 0xffff | weights &>> 32 & 0xffff_0000)
    }
  }

  /// Calls the body with the four numbers of 16 bits of each group.
  @inline(__always)
  private func forEachGroup(_ body: (_ group: Int, _ weights: UInt64) -> Void) {
    let raw = UnsafeRawPointer(values.base)
    for group in 0..<taps &* depth / 4 { body(group, raw.loadUnaligned(fromByteOffset: 8 &* group, as: UInt64.self)) }
  }
}
