/// One step of an encoder: an operation on earlier values that makes the next one. Value 0 is the input; layer i makes
/// value i + 1.
struct Layer: Sendable {
  let operation: any Operation
  let input: Int
  /// The operation's second operand, e.g. a residual.
  let second: Int?
}
