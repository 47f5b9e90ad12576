import Basics
import Kernels

/// How float32 is computed.
package enum Arithmetic: Sendable {
  /// As fast as the processor can, with the bits of its build of the kernels.
  case fast
  /// With the same bits from every build of the kernels.
  case exact

  package var kernels: any ExactKernels {
    switch self {
    case .fast: Kernels.selected
    case .exact: Kernels.exact
    }
  }
}

extension Precision {
  /// How a detector of this precision computes what stays float32.
  package var arithmetic: Arithmetic { self == .int8 ? .exact : .fast }
}
