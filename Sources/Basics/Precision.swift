/// What a detector computes in.
package enum Precision: String, Sendable, CaseIterable {
  case float32
  /// The encoder's maps and all weights in 8 bits, features and what follows the flows in float32, with the same bits from every
  /// build of the kernels.
  case int8
}
