/// The function after a layer.
package enum Activation: Sendable {
  case identity
  case relu
  /// min(max(x, 0), 6).
  case relu6
  /// 1 / (1 + e^-x).
  case sigmoid
  /// x sigmoid(x), also called swish.
  case silu
  /// relu6(x + 3) / 6 (Howard et al., "Searching for MobileNetV3", 2019).
  case hardSigmoid
  /// x hardSigmoid(x).
  case hardSwish
  /// x (1 + erf(x / sqrt 2)) / 2: the exact form. Error below 2e-7 max(1, |x|).
  case gelu
}
