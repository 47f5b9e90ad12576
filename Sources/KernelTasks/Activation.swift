/// The function after a layer.
package enum Activation: Sendable {
  case identity
  case relu
  /// min(max(x, 0), 6).
  case relu6
}
