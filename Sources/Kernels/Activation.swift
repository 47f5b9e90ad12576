/// The function after a layer.
package enum Activation: Sendable {
  case identity
  case relu
  /// min(max(x, 0), 6).
  case relu6
}

extension Activation {
  /// Applies the function in place.
  func apply(_ values: UnsafeMutablePointer<Float>, count: Int) {
    switch self {
    case .identity: return
    case .relu: for i in 0..<count { values[i] = max(values[i], 0) }
    case .relu6: for i in 0..<count { values[i] = min(max(values[i], 0), 6) }
    }
  }
}
