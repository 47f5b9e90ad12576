/// What a detector computes in.
package enum Precision: String, Sendable, CaseIterable {
  case float32
  /// Maps and most weights are integers of 8 bits; the encoder's first layer, depthwise layers and the Gaussian's basis have 16.
  /// Features, and what follows the flows, are float32. Every build of the kernels gives the same bits.
  case int8
}
