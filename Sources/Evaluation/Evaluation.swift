/// Measures of a detector on labelled images: how well its scores and maps tell good from defective.
package enum Evaluation {
  /// The largest number of scores that a measure takes: with 2^30 all counts and their products fit 64 bits.
  package static let maximumCount = 1 << 30
}
