/// Elementary functions on rows of floats; see ``KernelTable`` for their errors.
package enum VectorMath {
  /// In place.
  package static func exp(_ values: UnsafeMutablePointer<Float>, count: Int) {
    Kernels.selected.exp(values, count: count)
  }

  /// In place.
  package static func tanh(_ values: UnsafeMutablePointer<Float>, count: Int) {
    Kernels.selected.tanh(values, count: count)
  }
}
