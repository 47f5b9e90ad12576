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

  /// The largest weight of 16 bits: that of two bytes, 256 x 127 + 127.
  package static let largestWord: Int16 = 32_639

  /// - Parameters:
  ///   - taps: how many taps each of the `inputs` has. A row has all taps of an input together; the packed matrix has all inputs of
  ///     a tap together.
  ///   - zeros: the bytes that stand for 0 in each input.
  ///   - weights: `int8` or `int16`.
  ///   - kernels: the kernels to pack for.
  ///   - memory: the memory for the weights; nil for memory of its own.
  ///   - rows: rows of `inputs` x `taps` integers. Fails with `.format` when one is not within +-127, or +-``largestWord`` when weights
  ///     are `int16`, and when a sum of bytes times weights could have more than 32 bits.
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
    // A panel before it is transposed: a row of numbers of 32 bits for each output.
    let wordCount = panelBytes / (4 * width)
    let words = try FloatBuffer(count: width * wordCount, isBrief: true)
    let limit = weights == .int16 ? Self.largestWord : 127
    let row = try IntegerRow(inputs: inputs, taps: taps, depth: depth, zeros: zeros, limit: limit)
    var correction = [Int32](repeating: 0, count: shape.paddedOutputs(outputs))
    panels = try SharedBuffer(count: byteCount + shape.readAhead, in: memory) { (memory) throws(Failure) in
      for first in stride(from: 0, to: outputs, by: width) {
        let count = min(width, outputs - first)
        try rows(first..<first + count, raw.base)
        for output in 0..<count {
          correction[first + output] = try -row.set(raw.base + output * rowLength)
          let target = UnsafeMutableRawPointer(words.base + output * wordCount)
          if shape.isSplit {
            row.packHalves(into: target)
          } else if shape.element == .int16 {
            row.pack16(into: target)
          } else {
            row.pack8(into: target)
          }
        }
        (words.base + count * wordCount).update(repeating: 0, count: (width - count) * wordCount)
        let panel = UnsafeMutableRawPointer(memory) + first / width * panelBytes
        transpose(
          words.base, stride: wordCount, rows: width, columns: wordCount,
          into: panel.assumingMemoryBound(to: Float.self),
          stride: width)
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
  private let limit: Int16
  private let values: Buffer<Int16>
  /// The zero of each place of a row as it is given.
  private let zeros: Buffer<Int16>

  /// - Parameter limit: the largest magnitude of a weight that the panel holds.
  init(inputs: Int, taps: Int, depth: Int, zeros: [Float], limit: Int16) throws(Failure) {
    (self.inputs, self.taps, self.depth, self.limit) = (inputs, taps, depth, limit)
    values = try Buffer(count: taps * depth, isBrief: true)
    values.base.update(repeating: 0, count: values.count)
    self.zeros = try Buffer(count: inputs * taps, isBrief: true)
    for (input, zero) in zeros.enumerated() {
      for tap in 0..<taps { self.zeros.base[input * taps + tap] = Int16(zero) }
    }
  }

  /// Takes a row and returns the sum of its products with the inputs' zeros. Fails with `.format` for a weight beyond the limit, which
  /// some builds would cut and others not, and when a sum of bytes times weights could have more than 32 bits.
  func set(_ row: UnsafePointer<Int16>) throws(Failure) -> Int32 {
    let sums = cflowad_row_sums(row, zeros.base, zeros.count)
    guard sums.largest <= limit else { throw Failure(.format, "a weight is not within \(limit)") }
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

  /// Writes the row as bytes. Four of them, those of a group of inputs, are one number of the panel.
  func pack8(into target: UnsafeMutableRawPointer) {
    let (source, whole) = (UnsafeRawPointer(values.base), values.count & ~15)
    for place in stride(from: 0, to: whole, by: 16) {
      let weights = source.loadUnaligned(fromByteOffset: 2 &* place, as: SIMD16<Int16>.self)
      target.storeBytes(of: SIMD16<Int8>(truncatingIfNeeded: weights), toByteOffset: place, as: SIMD16<Int8>.self)
    }
    for place in whole..<values.count {
      target.storeBytes(of: Int8(truncatingIfNeeded: values.base[place]), toByteOffset: place, as: Int8.self)
    }
  }

  /// Writes the high bytes of all weights and then their low ones, each with a sign.
  func packHalves(into target: UnsafeMutableRawPointer) {
    for place in 0..<values.count {
      let weight = values.base[place]
      let low = Int8(truncatingIfNeeded: weight)
      target.storeBytes(of: Int8(truncatingIfNeeded: (weight &- Int16(low)) >> 8), toByteOffset: place, as: Int8.self)
      target.storeBytes(of: low, toByteOffset: values.count &+ place, as: Int8.self)
    }
  }

  /// Writes 16 bits for each input. Of each group of four, the first and third are one number of the panel, and the second and fourth
  /// the next.
  func pack16(into target: UnsafeMutableRawPointer) {
    for place in stride(from: 0, to: values.count, by: 4) {
      let weights = UnsafeRawPointer(values.base + place).loadUnaligned(as: SIMD4<Int16>.self)
      target.storeBytes(
        of: SIMD4(weights.x, weights.z, weights.y, weights.w), toByteOffset: 2 &* place, as: SIMD4<Int16>.self)
    }
  }
}
