import Basics
import CVectors

/// Writes the rows of some outputs, one after the other, as integers: see ``WeightRows``.
package typealias IntegerRows = (_ outputs: Range<Int>, _ rows: UnsafeMutablePointer<Int16>) throws(Failure) -> Void

/// One pass over a tensor of integers, `length` for each output. Fails with `.format` for values that are none of 16 bits.
package func integerRows(of weights: Weights, length: Int) -> IntegerRows {
  let reader = weights.reader()
  if weights.areIntegers {
    return { (outputs, rows) throws(Failure) in try reader.readIntegers(outputs.count * length, into: rows) }
  }
  return { (outputs, rows) throws(Failure) in
    let count = outputs.count * length
    let values = try FloatBuffer(count: count, isBrief: true)
    try reader.read(count, into: values.base)
    guard cflowad_round_to_int16(values.base, count, 32_767, rows) else {
      throw Failure(.format, "the tensor \(weights.key) holds a value that is not an integer of 16 bits")
    }
  }
}
