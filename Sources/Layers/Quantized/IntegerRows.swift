import Basics
import CVectors

/// Writes the rows of some outputs, one after the other, as integers: see ``WeightRows``.
package typealias IntegerRows = (_ outputs: Range<Int>, _ rows: UnsafeMutablePointer<Int16>) throws(Failure) -> Void

/// One pass over a tensor of integers, `length` for each output. Fails with `.format` for values that are no integers within
/// +-limit.
package func integerRows(of weights: Weights, length: Int, limit: Int16 = 127) -> IntegerRows {
  let reader = weights.reader()
  func check(_ areWithin: Bool) throws(Failure) {
    guard areWithin else {
      throw Failure(.format, "the tensor \(weights.key) holds a value that is not an integer within \(limit)")
    }
  }
  if weights.areIntegers {
    return { (outputs, rows) throws(Failure) in
      let count = outputs.count * length
      try reader.readIntegers(count, into: rows)
      try check(cflowad_are_within(rows, count, limit))
    }
  }
  return { (outputs, rows) throws(Failure) in
    let count = outputs.count * length
    let values = try FloatBuffer(count: count, isBrief: true)
    try reader.read(count, into: values.base)
    try check(cflowad_round_to_int16(values.base, count, Float(limit), rows))
  }
}
